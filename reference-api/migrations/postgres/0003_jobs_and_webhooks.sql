-- Work that is done after the answer, and who is told about changes. Times are milliseconds since 1970.

-- A job is here until it is done. Its kind and what it needs are in the payload; nothing secret is.
CREATE TABLE jobs (
    id         UUID   NOT NULL PRIMARY KEY,
    payload    TEXT    NOT NULL,
    created_at BIGINT  NOT NULL,
    -- Not before then. Whoever takes the job moves this on: that is the lease.
    run_at     BIGINT  NOT NULL,
    attempts   BIGINT  NOT NULL DEFAULT 0,
    -- Tried too often; an administrator decides.
    parked_at  BIGINT,
    last_error TEXT
);

CREATE INDEX jobs_due ON jobs (run_at) WHERE parked_at IS NULL;

-- The secret that signs the deliveries is not in it: it is computed from the identifier.
CREATE TABLE webhooks (
    id         UUID   NOT NULL PRIMARY KEY,
    owner_id   UUID   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url        TEXT    NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT webhooks_owner_url_unique UNIQUE (owner_id, url)
);
