-- Versions for conditional requests, accounts that can be closed, addresses, dates, and answers kept for repeated requests.

ALTER TABLE users
    ADD COLUMN version     BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN disabled_at BIGINT,
    ADD COLUMN street      TEXT,
    ADD COLUMN city        TEXT,
    ADD COLUMN country     TEXT;

ALTER TABLE items
    ADD COLUMN version         BIGINT NOT NULL DEFAULT 1,
    -- The title as it is searched: in lower case, by the rules of Unicode.
    ADD COLUMN title_folded    TEXT NOT NULL DEFAULT '',
    ADD COLUMN available_from  DATE,
    ADD COLUMN available_until DATE;
UPDATE items SET title_folded = lower(title);

CREATE TABLE idempotency_keys (
    user_id     UUID   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key         TEXT   NOT NULL,
    -- SHA-256 of method, address and body.
    fingerprint BYTEA  NOT NULL,
    status      BIGINT NOT NULL,
    location    TEXT,
    etag        TEXT,
    body        BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
