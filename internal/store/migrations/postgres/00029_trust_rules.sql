-- +goose Up

-- Which identity tokens of CI are traded for an access token that stands on a
-- credential of a project: by whom they are issued, of which repository, and
-- what else they must say, as JSON.
CREATE TABLE trust_rules (
    credential_id UUID NOT NULL PRIMARY KEY REFERENCES credentials (id),
    issuer        TEXT NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2048),
    repository    TEXT NOT NULL CHECK (length(repository) <= 20), -- empty for issuers that know none
    conditions    TEXT NOT NULL CHECK (length(conditions) <= 65536)
);
CREATE INDEX trust_rules_issuer ON trust_rules (issuer, repository, credential_id);
