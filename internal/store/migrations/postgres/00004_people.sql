-- +goose Up

-- Who was asked to become a member, under which address and as what.
CREATE TABLE invitations (
    id              UUID    PRIMARY KEY,
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    email           TEXT    NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    lookup_key      BYTEA   NOT NULL UNIQUE CHECK (length(lookup_key) = 32),
    key_version     BIGINT NOT NULL,
    invited_by      TEXT    NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    accepted_at     BIGINT,
    UNIQUE (organization_id, email)
);

-- What was deleted leaves its row, whose id nobody gets again.
ALTER TABLE users ADD COLUMN deleted_at BIGINT;
ALTER TABLE projects ADD COLUMN deleted_at BIGINT;
