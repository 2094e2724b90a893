-- +goose Up

-- What is true of the whole installation, such as which root key it was made with.
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- The last number given out below a parent; numbers are never used again.
CREATE TABLE counters (
    parent TEXT    NOT NULL,
    noun   TEXT    NOT NULL,
    last   INTEGER NOT NULL CHECK (last BETWEEN 1 AND 9007199254740991),
    PRIMARY KEY (parent, noun)
) STRICT, WITHOUT ROWID;

CREATE TABLE setup_codes (
    code       BLOB    PRIMARY KEY CHECK (length(code) = 32),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number       INTEGER NOT NULL UNIQUE,
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at   INTEGER NOT NULL,
    suspended_at INTEGER
) STRICT;

CREATE TABLE users (
    id             TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number         INTEGER NOT NULL UNIQUE,
    email          TEXT    NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    name           TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password_hash  TEXT,
    created_at     INTEGER NOT NULL,
    deactivated_at INTEGER
) STRICT;

CREATE TABLE members (
    organization_id TEXT    NOT NULL REFERENCES organizations (id),
    user_id         TEXT    NOT NULL REFERENCES users (id),
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id);

CREATE TABLE projects (
    id                  TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number              INTEGER NOT NULL UNIQUE,
    organization_id     TEXT    NOT NULL REFERENCES organizations (id),
    organization_number INTEGER NOT NULL,
    name                TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at          INTEGER NOT NULL,
    archived_at         INTEGER,
    UNIQUE (organization_id, organization_number)
) STRICT;

CREATE TABLE project_members (
    project_id TEXT    NOT NULL REFERENCES projects (id),
    user_id    TEXT    NOT NULL REFERENCES users (id),
    role       TEXT    NOT NULL CHECK (role IN ('admin', 'user', 'guest')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

-- The owner is said twice, so that one that gets lost is noticed: nothing means
-- "everything" by being absent.
CREATE TABLE credentials (
    id                TEXT    PRIMARY KEY CHECK (length(id) = 36),
    organization_id   TEXT    REFERENCES organizations (id),
    user_id           TEXT    REFERENCES users (id),
    project_id        TEXT    REFERENCES projects (id),
    owner             TEXT    NOT NULL CHECK (owner IN ('installation', 'organization', 'project', 'user')),
    scheme            TEXT    NOT NULL,
    name              TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    client_id         TEXT    UNIQUE,
    scopes            TEXT    NOT NULL,
    allowed_addresses TEXT    NOT NULL, -- "*" is anywhere
    rate_limit        INTEGER NOT NULL CHECK (rate_limit BETWEEN 0 AND 1000000000),
    generation        INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 1000000000),
    created_at        INTEGER NOT NULL,
    created_by        TEXT    NOT NULL,
    not_before        INTEGER,
    expires_at        INTEGER,
    suspended_at      INTEGER,
    revoked_at        INTEGER,
    CHECK (user_id IS NULL OR project_id IS NULL),
    CHECK (organization_id IS NOT NULL OR (user_id IS NULL AND project_id IS NULL))
) STRICT;
CREATE INDEX credentials_organization ON credentials (organization_id, id);
CREATE INDEX credentials_count ON credentials (organization_id, scheme) WHERE revoked_at IS NULL;
CREATE INDEX credentials_user ON credentials (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX credentials_project ON credentials (project_id, id) WHERE project_id IS NOT NULL;

-- One row for each secret that a credential ever had. Only the keyed lookup
-- key of the secret is kept, and 4 bytes of its plain hash for people.
CREATE TABLE secrets (
    lookup_key    BLOB    PRIMARY KEY CHECK (length(lookup_key) = 32),
    credential_id TEXT    NOT NULL REFERENCES credentials (id),
    generation    INTEGER NOT NULL,
    key_version   INTEGER NOT NULL,
    fingerprint   TEXT    NOT NULL CHECK (length(fingerprint) = 8),
    hint          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    ends_at       INTEGER,
    unconfirmed   INTEGER NOT NULL CHECK (unconfirmed IN (0, 1)),
    UNIQUE (credential_id, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE credential_uses (
    credential_id TEXT    PRIMARY KEY,
    used_at       INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    user_agent    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    id            BLOB    PRIMARY KEY CHECK (length(id) = 32),
    request       BLOB    NOT NULL CHECK (length(request) = 32),
    target_id     TEXT    NOT NULL,
    generation    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE audit_chains (
    id       TEXT    PRIMARY KEY CHECK (length(id) = 36),
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    seal     BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_events (
    chain    TEXT    NOT NULL REFERENCES audit_chains (id),
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    request  TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    previous BLOB    NOT NULL,
    hash     BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;
