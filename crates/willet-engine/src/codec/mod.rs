//! Records to events: CSV and JSON lines into columns, with a reason for whatever cannot be understood.
