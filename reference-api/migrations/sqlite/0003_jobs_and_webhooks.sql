-- Work that is done after the answer, and who is told about changes. Times are milliseconds since 1970.

-- A job is here until it is done. Its kind and what it needs are in the payload; nothing secret is.
CREATE TABLE jobs (
    id         BLOB    NOT NULL PRIMARY KEY,
    payload    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    -- Not before then. Whoever takes the job moves this on: that is the lease.
    run_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- Tried too often; an administrator decides.
    parked_at  INTEGER,
    last_error TEXT
) STRICT;

CREATE INDEX jobs_due ON jobs (run_at) WHERE parked_at IS NULL;

-- The secret that signs the deliveries is not in it: it is computed from the identifier.
CREATE TABLE webhooks (
    id         BLOB    NOT NULL PRIMARY KEY,
    owner_id   BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url        TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT webhooks_owner_url_unique UNIQUE (owner_id, url)
) STRICT;
