-- +goose Up

-- What a person says of themselves, and since when the address is known to be
-- theirs. Until now an operator vouched for each.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;
ALTER TABLE users ADD COLUMN avatar_url TEXT;
ALTER TABLE users ADD COLUMN preferences TEXT; -- a JSON object
ALTER TABLE users ADD COLUMN updated_at INTEGER;
UPDATE users SET email_verified_at = created_at;

-- One row for each time that somebody signed in. The token of a session has a
-- part that stays, the handle, so that a token of before is recognised; of
-- both only keyed lookup keys are kept.
CREATE TABLE sessions (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 36),
    user_id      TEXT    NOT NULL REFERENCES users (id),
    style        TEXT    NOT NULL CHECK (style IN ('bearer', 'cookie')),
    handle       BLOB    NOT NULL UNIQUE CHECK (length(handle) = 32),
    secret       BLOB    NOT NULL CHECK (length(secret) = 32),
    previous     BLOB    CHECK (length(previous) = 32),
    answer       BLOB, -- sealed: the present token, for the holder of the previous one
    key_version  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL,
    idle_until   INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    ended_at     INTEGER,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_age ON sessions (ends_at);

-- The second factor of a user: a seed that is set up, and on once a code of it
-- was seen. Codes of a time step up to last_step are used up.
CREATE TABLE two_factor (
    user_id     TEXT    PRIMARY KEY REFERENCES users (id),
    seed        BLOB    NOT NULL, -- sealed
    key_version INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    enabled_at  INTEGER,
    last_step   INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    tries_since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE backup_codes (
    user_id TEXT NOT NULL REFERENCES two_factor (user_id) ON DELETE CASCADE,
    code    BLOB NOT NULL CHECK (length(code) = 32),
    PRIMARY KEY (user_id, code)
) STRICT, WITHOUT ROWID;

-- Links that are good once, one of a purpose for a user.
CREATE TABLE links (
    lookup_key  BLOB    PRIMARY KEY CHECK (length(lookup_key) = 32),
    user_id     TEXT    NOT NULL REFERENCES users (id),
    purpose     TEXT    NOT NULL,
    key_version INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    UNIQUE (user_id, purpose)
) STRICT, WITHOUT ROWID;

-- Failed attempts to sign in, by address of the account (keyed, whether there
-- is such an account or not) and by place: one from which the user has signed
-- in before, or (all zero) any other.
CREATE TABLE sign_in_attempts (
    account      BLOB    NOT NULL CHECK (length(account) = 32),
    place        BLOB    NOT NULL CHECK (length(place) = 32),
    failures     INTEGER NOT NULL,
    total        INTEGER NOT NULL,
    locked_until INTEGER,
    at           INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (at);

-- What waits to be sent. The text is sealed, since links stand in it.
CREATE TABLE outbox (
    id          TEXT    PRIMARY KEY CHECK (length(id) = 36),
    message     BLOB    NOT NULL,
    key_version INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_next ON outbox (next_at);

-- How often a credential was used.
ALTER TABLE credential_uses ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;
