-- Accounts, sessions and items. Times are UTC; identifiers are UUIDv7, which sort by the moment of their making.

CREATE TABLE users (
    id            BLOB NOT NULL PRIMARY KEY,
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    created_at    TEXT NOT NULL,
    CONSTRAINT users_email_unique UNIQUE (email)
) STRICT;

-- One row for each login. The refresh token is not in it: it is computed from id and generation.
CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE items (
    id          BLOB NOT NULL PRIMARY KEY,
    owner_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title       TEXT NOT NULL,
    description TEXT,
    created_at  TEXT NOT NULL
) STRICT;

-- A page is read off this index in order: owner first, then the moment of making.
CREATE INDEX items_by_owner ON items (owner_id, id);
