-- What is normal of a series has changed. Kept as long as verdicts, by time of the event: they are few.
CREATE TABLE drifts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    test TEXT NOT NULL,
    magnitude REAL NOT NULL,
    -- When it was written, days since the epoch: what retention goes by.
    day INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE INDEX drifts_by_time ON drifts (at, number);
CREATE INDEX drifts_by_key ON drifts (stream, source, at, number);
CREATE INDEX drifts_by_source ON drifts (source, at, number);
CREATE INDEX drifts_by_day ON drifts (day);
