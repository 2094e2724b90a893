-- +goose Up

-- The operator's way into the console: a code that is typed once, and from then
-- on the session that it began. Of either only a keyed hash is kept.
CREATE TABLE console_sessions (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    code       BLOB    UNIQUE CHECK (length(code) = 32),
    secret     BLOB    UNIQUE CHECK (length(secret) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, -- of the code, then of the session
    CHECK ((code IS NULL) <> (secret IS NULL))
) STRICT, WITHOUT ROWID;
