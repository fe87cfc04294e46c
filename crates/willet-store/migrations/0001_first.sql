-- The first format. Times are microseconds since the epoch, buckets seconds. Blobs begin with their version.

-- In order of arrival: `number` is what retention goes by, for an old history that was fed in today is kept from today on.
CREATE TABLE verdicts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_anomaly INTEGER NOT NULL,
    score REAL,
    severity TEXT,
    type TEXT,
    json TEXT NOT NULL
) STRICT;
CREATE INDEX verdicts_by_key ON verdicts (stream, source, at, number);
-- Also what is counted by time, so that counting does not read the rows.
CREATE INDEX anomalies_by_time ON verdicts (at, number, stream, source, score) WHERE is_anomaly = 1;
CREATE INDEX anomalies_by_source ON verdicts (source, at, number) WHERE is_anomaly = 1;
CREATE INDEX anomalies_by_severity ON verdicts (severity, at, number) WHERE is_anomaly = 1;

CREATE TABLE alerts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_by_time ON alerts (opened_at, number);
CREATE INDEX alerts_by_state ON alerts (state, opened_at, number);
CREATE INDEX alerts_by_key ON alerts (stream, source, opened_at, number);

-- Highest numbers at the first look at a day.
CREATE TABLE marks (
    day INTEGER PRIMARY KEY,
    verdict INTEGER NOT NULL,
    alert INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it was delivered or given up; NULL while it waits.
    done_at INTEGER,
    UNIQUE (id, receiver)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (receiver, next_attempt_at, number) WHERE done_at IS NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;

-- Outlives its notification: as old as its alert.
CREATE TABLE receipts (
    alert_id TEXT NOT NULL,
    id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (alert_id, id, receiver)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident_state (
    name TEXT PRIMARY KEY,
    state BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE positions (
    stream TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (stream, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE streams (
    name TEXT PRIMARY KEY,
    managed_by TEXT NOT NULL,
    config TEXT NOT NULL,
    paused INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    model TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    source TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    events INTEGER NOT NULL,
    anomalies INTEGER NOT NULL,
    has_history INTEGER NOT NULL,
    shape BLOB NOT NULL,
    UNIQUE (stream, source)
) STRICT;
CREATE INDEX series_by_source ON series (source, stream);
-- To count them; there is a limit to how many.
CREATE INDEX series_with_history ON series (stream) WHERE has_history = 1;

-- The rows of a series and level lie next to each other.
CREATE TABLE history (
    series_id INTEGER NOT NULL,
    level INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (series_id, level, bucket)
) STRICT, WITHOUT ROWID;

-- What whole streams did; sums over keys that have a history or not.
CREATE TABLE activity (
    stream TEXT NOT NULL,
    level INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    events INTEGER NOT NULL,
    anomalies INTEGER NOT NULL,
    PRIMARY KEY (stream, level, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE totals (
    stream TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    anomalies INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('syncs', 0);
