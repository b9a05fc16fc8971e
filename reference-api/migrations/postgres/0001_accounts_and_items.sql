-- Accounts, sessions and items. Times are UTC; identifiers are UUIDv7, which sort by the moment of their making.
-- The same tables as in ../sqlite, in PostgreSQL's types. Numbers are BIGINT, so that both engines give the same Rust type.

CREATE TABLE users (
    id            UUID        NOT NULL PRIMARY KEY,
    email         TEXT        NOT NULL,
    name          TEXT        NOT NULL,
    password_hash TEXT        NOT NULL,
    role          TEXT        NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    created_at    TIMESTAMPTZ NOT NULL,
    CONSTRAINT users_email_unique UNIQUE (email)
);

-- One row for each login. The refresh token is not in it: it is computed from id and generation.
CREATE TABLE sessions (
    id         UUID   NOT NULL PRIMARY KEY,
    user_id    UUID   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE items (
    id          UUID        NOT NULL PRIMARY KEY,
    owner_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title       TEXT        NOT NULL,
    description TEXT,
    created_at  TIMESTAMPTZ NOT NULL
);

-- A page is read off this index in order: owner first, then the moment of making.
CREATE INDEX items_by_owner ON items (owner_id, id);
