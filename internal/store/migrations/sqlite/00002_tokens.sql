-- +goose Up

-- The keys that sign access tokens. The private half is sealed.
CREATE TABLE signing_keys (
    id             TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 128),
    algorithm      TEXT    NOT NULL,
    private_key    BLOB    NOT NULL,
    key_version    INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    signs_from     INTEGER NOT NULL,
    verifies_until INTEGER
) STRICT;

-- What happens at most once: the end of one access token, the use of one
-- client assertion. Forgotten when it could not happen any more.
CREATE TABLE marks (
    id         BLOB    PRIMARY KEY CHECK (length(id) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_age ON marks (expires_at);

-- The public keys by which an OAuth2 client may authenticate (RFC 7523).
ALTER TABLE credentials ADD COLUMN jwks TEXT;
