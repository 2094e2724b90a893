-- +goose Up

-- How many coins may be spent in a cycle of seven days from an organization, a
-- project or a credential (id), and how many were in the present one. What is
-- not active bounds nothing. reached is how much of it was used, told of how
-- much of that people were told.
CREATE TABLE budgets (
    id              UUID     PRIMARY KEY,
    organization_id UUID     NOT NULL REFERENCES organizations (id),
    kind            TEXT     NOT NULL CHECK (kind IN ('organization', 'project', 'credential')),
    active          BOOLEAN  NOT NULL,
    coins           BIGINT   NOT NULL CHECK (coins >= 0),
    overage         BOOLEAN  NOT NULL,
    started_at      BIGINT   NOT NULL,
    cycle           BIGINT   NOT NULL CHECK (cycle >= 0),
    topped_up       BIGINT   NOT NULL CHECK (topped_up >= 0),
    used            BIGINT   NOT NULL CHECK (used >= 0),
    events          BIGINT   NOT NULL CHECK (events >= 0),
    reached         SMALLINT NOT NULL DEFAULT 0 CHECK (reached IN (0, 80, 100)),
    told            SMALLINT NOT NULL DEFAULT 0 CHECK (told IN (0, 80, 100))
) WITH (fillfactor = 50);
CREATE INDEX budgets_organization ON budgets (organization_id, id);
CREATE INDEX budgets_alerts ON budgets (id) WHERE reached > told;

-- What became of a cycle that is over.
CREATE TABLE budget_cycles (
    budget_id UUID   NOT NULL REFERENCES budgets (id),
    cycle     BIGINT NOT NULL,
    coins     BIGINT NOT NULL,
    topped_up BIGINT NOT NULL,
    used      BIGINT NOT NULL,
    events    BIGINT NOT NULL,
    PRIMARY KEY (budget_id, cycle)
);

-- What a cycle was used for.
CREATE TABLE budget_totals (
    budget_id UUID   NOT NULL REFERENCES budgets (id),
    cycle     BIGINT NOT NULL,
    operation TEXT   NOT NULL CHECK (length(operation) <= 64),
    used      BIGINT NOT NULL,
    events    BIGINT NOT NULL,
    PRIMARY KEY (budget_id, cycle, operation)
);

-- The ledger: what was paid, in which cycle of which budgets (NULL: not from
-- there). reserved is what was taken at first, cost what it came to.
CREATE TABLE spends (
    id                 UUID   PRIMARY KEY,
    organization_id    UUID   NOT NULL,
    project_id         UUID,
    credential_id      UUID   NOT NULL,
    user_id            UUID,
    at                 BIGINT NOT NULL,
    cost               BIGINT NOT NULL CHECK (cost >= 0),
    reserved           BIGINT NOT NULL CHECK (reserved >= cost),
    settled_at         BIGINT,
    operation          TEXT   NOT NULL CHECK (length(operation) <= 64),
    resource           TEXT   NOT NULL CHECK (length(resource) <= 200),
    organization_cycle BIGINT,
    project_cycle      BIGINT,
    credential_cycle   BIGINT,
    repeat_key         BYTEA  CHECK (length(repeat_key) = 32)
);
CREATE INDEX spends_organization ON spends (organization_id, at, id);
CREATE INDEX spends_project ON spends (project_id, at, id);
CREATE INDEX spends_credential ON spends (credential_id, at, id);
CREATE INDEX spends_repeat ON spends (repeat_key) WHERE repeat_key IS NOT NULL;

-- Whether there is a budget to ask, for what every verification reads.
ALTER TABLE organizations ADD COLUMN metered BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE credentials ADD COLUMN metered BOOLEAN NOT NULL DEFAULT FALSE;

INSERT INTO budgets (id, organization_id, kind, active, coins, overage, started_at, cycle, topped_up, used, events)
    SELECT id, organization_id, 'project', TRUE, 1000, FALSE, created_at, 0, 0, 0, 0 FROM projects;
