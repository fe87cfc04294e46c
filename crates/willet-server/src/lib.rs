//! Willet's doors.
