-- +goose Up

-- A file that somebody uploaded: what it belongs to (noun and owner_id), and
-- the SHA-256 of its content, which is a file and not in the database. Numbers
-- go up with time in each project.
CREATE TABLE artifacts (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number     INTEGER NOT NULL,
    project_id TEXT    NOT NULL REFERENCES projects (id),
    noun       TEXT    NOT NULL CHECK (length(noun) BETWEEN 1 AND 32),
    owner_id   TEXT    NOT NULL CHECK (length(owner_id) = 36),
    kind       TEXT    NOT NULL CHECK (length(kind) <= 32),
    name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    type       TEXT    NOT NULL CHECK (length(type) BETWEEN 1 AND 100),
    size       INTEGER NOT NULL CHECK (size > 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    private    INTEGER NOT NULL CHECK (private IN (0, 1)),  -- not for everybody who sees what it belongs to
    detail     TEXT    NOT NULL CHECK (length(detail) <= 2000), -- a JSON object
    user_id    TEXT    REFERENCES users (id),                   -- who uploaded it, or
    virtual_id TEXT    REFERENCES virtual_users (id),
    made_by    TEXT    REFERENCES credentials (id),
    created_at INTEGER NOT NULL,
    CHECK (user_id IS NULL OR virtual_id IS NULL),
    UNIQUE (project_id, number)
) STRICT;
CREATE INDEX artifacts_owner ON artifacts (owner_id, number);
CREATE INDEX artifacts_content ON artifacts (sha256);
