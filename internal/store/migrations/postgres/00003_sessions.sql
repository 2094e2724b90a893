-- +goose Up

-- What a person says of themselves, and since when the address is known to be
-- theirs. Until now an operator vouched for each.
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
ALTER TABLE users ADD COLUMN avatar_url TEXT;
ALTER TABLE users ADD COLUMN preferences TEXT; -- a JSON object
ALTER TABLE users ADD COLUMN updated_at BIGINT;
UPDATE users SET email_verified_at = created_at;

-- One row for each time that somebody signed in. The token of a session has a
-- part that stays, the handle, so that a token of before is recognised; of
-- both only keyed lookup keys are kept.
CREATE TABLE sessions (
    id           UUID    PRIMARY KEY,
    user_id      UUID    NOT NULL REFERENCES users (id),
    style        TEXT    NOT NULL CHECK (style IN ('bearer', 'cookie')),
    handle       BYTEA    NOT NULL UNIQUE CHECK (length(handle) = 32),
    secret       BYTEA    NOT NULL CHECK (length(secret) = 32),
    previous     BYTEA    CHECK (length(previous) = 32),
    answer       BYTEA, -- sealed: the present token, for the holder of the previous one
    key_version  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    idle_until   BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    ended_at     BIGINT,
    address      TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_age ON sessions (ends_at);

-- The second factor of a user: a seed that is set up, and on once a code of it
-- was seen. Codes of a time step up to last_step are used up.
CREATE TABLE two_factor (
    user_id     UUID    PRIMARY KEY REFERENCES users (id),
    seed        BYTEA    NOT NULL, -- sealed
    key_version BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    enabled_at  BIGINT,
    last_step   BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    tries_since BIGINT NOT NULL
);

CREATE TABLE backup_codes (
    user_id UUID NOT NULL REFERENCES two_factor (user_id) ON DELETE CASCADE,
    code    BYTEA NOT NULL CHECK (length(code) = 32),
    PRIMARY KEY (user_id, code)
);

-- Links that are good once, one of a purpose for a user.
CREATE TABLE links (
    lookup_key  BYTEA    PRIMARY KEY CHECK (length(lookup_key) = 32),
    user_id     UUID    NOT NULL REFERENCES users (id),
    purpose     TEXT    NOT NULL,
    key_version BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    UNIQUE (user_id, purpose)
);

-- Failed attempts to sign in, by address of the account (keyed, whether there
-- is such an account or not) and by place: one from which the user has signed
-- in before, or (all zero) any other.
CREATE TABLE sign_in_attempts (
    account      BYTEA    NOT NULL CHECK (length(account) = 32),
    place        BYTEA    NOT NULL CHECK (length(place) = 32),
    failures     BIGINT NOT NULL,
    total        BIGINT NOT NULL,
    locked_until BIGINT,
    at           BIGINT NOT NULL,
    PRIMARY KEY (account, place)
);
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (at);

-- What waits to be sent. The text is sealed, since links stand in it.
CREATE TABLE outbox (
    id          UUID    PRIMARY KEY,
    message     BYTEA    NOT NULL,
    key_version BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX outbox_next ON outbox (next_at);

-- How often a credential was used.
ALTER TABLE credential_uses ADD COLUMN requests BIGINT NOT NULL DEFAULT 0;
