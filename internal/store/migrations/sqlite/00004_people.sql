-- +goose Up

-- Who was asked to become a member, under which address and as what.
CREATE TABLE invitations (
    id              TEXT    PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT    NOT NULL REFERENCES organizations (id),
    email           TEXT    NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    lookup_key      BLOB    NOT NULL UNIQUE CHECK (length(lookup_key) = 32),
    key_version     INTEGER NOT NULL,
    invited_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    accepted_at     INTEGER,
    UNIQUE (organization_id, email)
) STRICT, WITHOUT ROWID;

-- What was deleted leaves its row, whose id nobody gets again.
ALTER TABLE users ADD COLUMN deleted_at INTEGER;
ALTER TABLE projects ADD COLUMN deleted_at INTEGER;
