-- +goose Up

-- The operator's way into the console: a code that is typed once, and from then
-- on the session that it began. Of either only a keyed hash is kept.
CREATE TABLE console_sessions (
    id         UUID   PRIMARY KEY,
    code       BYTEA  UNIQUE CHECK (length(code) = 32),
    secret     BYTEA  UNIQUE CHECK (length(secret) = 32),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- of the code, then of the session
    CHECK ((code IS NULL) <> (secret IS NULL))
);
