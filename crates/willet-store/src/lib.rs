//! Verdicts, alerts, histories, streams: in `SQLite` in the data folder.
