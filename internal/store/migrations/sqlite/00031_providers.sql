-- +goose Up

-- The OpenID Connect provider by which the people of an organization sign in,
-- with the sealed secret of our client there. Those domains are of the addresses
-- that it may vouch for; new people become what role says, where they are let in.
CREATE TABLE providers (
    organization_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id),
    issuer          TEXT NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2048),
    client_id       TEXT NOT NULL CHECK (length(client_id) BETWEEN 1 AND 255),
    secret          BLOB NOT NULL,
    key_version     INTEGER NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('member', 'guest')),
    admit_new       INTEGER NOT NULL CHECK (admit_new IN (0, 1)),
    active          INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A domain leads to one organization's provider.
CREATE TABLE provider_domains (
    domain          TEXT NOT NULL PRIMARY KEY CHECK (length(domain) BETWEEN 1 AND 253),
    organization_id TEXT NOT NULL REFERENCES providers (organization_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_domains_organization ON provider_domains (organization_id, domain);

-- Who somebody is here whom the provider of an organization calls by a subject.
CREATE TABLE provider_links (
    organization_id TEXT NOT NULL REFERENCES providers (organization_id) ON DELETE CASCADE,
    issuer          TEXT NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2048),
    subject         TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    user_id         TEXT NOT NULL REFERENCES users (id),
    linked_at       INTEGER NOT NULL,
    used_at         INTEGER NOT NULL,
    PRIMARY KEY (organization_id, issuer, subject),
    UNIQUE (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_links_user ON provider_links (user_id);

-- The only organization that a session reaches, where its provider vouched for
-- who began it.
ALTER TABLE sessions ADD COLUMN organization_id TEXT;
