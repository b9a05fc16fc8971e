-- Versions for conditional requests, accounts that can be closed, addresses, dates, and answers kept for repeated requests.

ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
ALTER TABLE users ADD COLUMN street TEXT;
ALTER TABLE users ADD COLUMN city TEXT;
ALTER TABLE users ADD COLUMN country TEXT;

ALTER TABLE items ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- The title as it is searched: in lower case, by the rules of Unicode.
ALTER TABLE items ADD COLUMN title_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN available_from TEXT;
ALTER TABLE items ADD COLUMN available_until TEXT;
UPDATE items SET title_folded = lower(title);

CREATE TABLE idempotency_keys (
    user_id     BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key         TEXT    NOT NULL,
    -- SHA-256 of method, address and body.
    fingerprint BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    location    TEXT,
    etag        TEXT,
    body        BLOB    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
