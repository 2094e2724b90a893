-- +goose Up

-- What is true of the whole installation, such as which root key it was made with.
CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- The last number given out below a parent; numbers are never used again.
CREATE TABLE counters (
    parent TEXT    NOT NULL,
    noun   TEXT    NOT NULL,
    last   BIGINT NOT NULL CHECK (last BETWEEN 1 AND 9007199254740991),
    PRIMARY KEY (parent, noun)
);

CREATE TABLE setup_codes (
    code       BYTEA    PRIMARY KEY CHECK (length(code) = 32),
    created_at BIGINT NOT NULL
);

CREATE TABLE organizations (
    id           UUID    PRIMARY KEY,
    number       BIGINT NOT NULL UNIQUE,
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at   BIGINT NOT NULL,
    suspended_at BIGINT
);

CREATE TABLE users (
    id             UUID    PRIMARY KEY,
    number         BIGINT NOT NULL UNIQUE,
    email          TEXT    NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    name           TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password_hash  TEXT,
    created_at     BIGINT NOT NULL,
    deactivated_at BIGINT
);

CREATE TABLE members (
    organization_id UUID    NOT NULL REFERENCES organizations (id),
    user_id         UUID    NOT NULL REFERENCES users (id),
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'guest')),
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE projects (
    id                  UUID    PRIMARY KEY,
    number              BIGINT NOT NULL UNIQUE,
    organization_id     UUID    NOT NULL REFERENCES organizations (id),
    organization_number BIGINT NOT NULL,
    name                TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at          BIGINT NOT NULL,
    archived_at         BIGINT,
    UNIQUE (organization_id, organization_number)
);

CREATE TABLE project_members (
    project_id UUID    NOT NULL REFERENCES projects (id),
    user_id    UUID    NOT NULL REFERENCES users (id),
    role       TEXT    NOT NULL CHECK (role IN ('admin', 'user', 'guest')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id)
);

-- The owner is said twice, so that one that gets lost is noticed: nothing means
-- "everything" by being absent.
CREATE TABLE credentials (
    id                UUID    PRIMARY KEY,
    organization_id   UUID    REFERENCES organizations (id),
    user_id           UUID    REFERENCES users (id),
    project_id        UUID    REFERENCES projects (id),
    owner             TEXT    NOT NULL CHECK (owner IN ('installation', 'organization', 'project', 'user')),
    scheme            TEXT    NOT NULL,
    name              TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    client_id         TEXT    UNIQUE,
    scopes            TEXT    NOT NULL,
    allowed_addresses TEXT    NOT NULL, -- "*" is anywhere
    rate_limit        BIGINT NOT NULL CHECK (rate_limit BETWEEN 0 AND 1000000000),
    generation        BIGINT NOT NULL CHECK (generation BETWEEN 1 AND 1000000000),
    created_at        BIGINT NOT NULL,
    created_by        TEXT    NOT NULL,
    not_before        BIGINT,
    expires_at        BIGINT,
    suspended_at      BIGINT,
    revoked_at        BIGINT,
    CHECK (user_id IS NULL OR project_id IS NULL),
    CHECK (organization_id IS NOT NULL OR (user_id IS NULL AND project_id IS NULL))
);
CREATE INDEX credentials_organization ON credentials (organization_id, id);
CREATE INDEX credentials_count ON credentials (organization_id, scheme) WHERE revoked_at IS NULL;
CREATE INDEX credentials_user ON credentials (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX credentials_project ON credentials (project_id, id) WHERE project_id IS NOT NULL;

-- One row for each secret that a credential ever had. Only the keyed lookup
-- key of the secret is kept, and 4 bytes of its plain hash for people.
CREATE TABLE secrets (
    lookup_key    BYTEA    PRIMARY KEY CHECK (length(lookup_key) = 32),
    credential_id UUID    NOT NULL REFERENCES credentials (id),
    generation    BIGINT NOT NULL,
    key_version   BIGINT NOT NULL,
    fingerprint   TEXT    NOT NULL CHECK (length(fingerprint) = 8),
    hint          TEXT    NOT NULL,
    created_at    BIGINT NOT NULL,
    ends_at       BIGINT,
    unconfirmed   BIGINT NOT NULL CHECK (unconfirmed IN (0, 1)),
    UNIQUE (credential_id, generation)
);

CREATE TABLE credential_uses (
    credential_id UUID    PRIMARY KEY,
    used_at       BIGINT NOT NULL,
    address       TEXT    NOT NULL,
    user_agent    TEXT    NOT NULL
);

CREATE TABLE idempotency_keys (
    id            BYTEA    PRIMARY KEY CHECK (length(id) = 32),
    request       BYTEA    NOT NULL CHECK (length(request) = 32),
    target_id     UUID    NOT NULL,
    generation    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE audit_chains (
    id       UUID    PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     BYTEA    NOT NULL,
    seal     BYTEA    NOT NULL
);

CREATE TABLE audit_events (
    chain    UUID    NOT NULL REFERENCES audit_chains (id),
    sequence BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    address  TEXT    NOT NULL,
    request  TEXT    NOT NULL,
    detail   TEXT    NOT NULL,
    previous BYTEA    NOT NULL,
    hash     BYTEA    NOT NULL,
    PRIMARY KEY (chain, sequence)
);
