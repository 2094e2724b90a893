-- +goose Up

-- Devices without a browser that ask to act for somebody. What a device calls its
-- request is kept as a lookup key alone, since whoever knows it gets the token.
CREATE TABLE device_requests (
    lookup_key  BYTEA   NOT NULL PRIMARY KEY CHECK (length(lookup_key) = 32),
    key_version BIGINT NOT NULL,
    kind        TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    address     TEXT    NOT NULL,
    user_agent  TEXT    NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'allowed', 'denied')),
    user_id     UUID    REFERENCES users (id), -- who answered
    session_id  UUID, -- that the answer began
    taken_at    BIGINT, -- when the device got its token first
    taken_from  TEXT -- the address that it did so from
);
CREATE INDEX device_requests_age ON device_requests (expires_at);

-- What the device calls itself that a session was begun for.
ALTER TABLE sessions ADD COLUMN device TEXT;
