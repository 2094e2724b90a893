-- +goose Up

-- How many coins may be spent in a cycle of seven days from an organization, a
-- project or a credential (id), and how many were in the present one. What is
-- not active bounds nothing. reached is how much of it was used, told of how
-- much of that people were told.
CREATE TABLE budgets (
    id              TEXT    PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT    NOT NULL REFERENCES organizations (id),
    kind            TEXT    NOT NULL CHECK (kind IN ('organization', 'project', 'credential')),
    active          INTEGER NOT NULL CHECK (active IN (0, 1)),
    coins           INTEGER NOT NULL CHECK (coins >= 0),
    overage         INTEGER NOT NULL CHECK (overage IN (0, 1)),
    started_at      INTEGER NOT NULL,
    cycle           INTEGER NOT NULL CHECK (cycle >= 0),
    topped_up       INTEGER NOT NULL CHECK (topped_up >= 0),
    used            INTEGER NOT NULL CHECK (used >= 0),
    events          INTEGER NOT NULL CHECK (events >= 0),
    reached         INTEGER NOT NULL DEFAULT 0 CHECK (reached IN (0, 80, 100)),
    told            INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 80, 100))
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_organization ON budgets (organization_id, id);
CREATE INDEX budgets_alerts ON budgets (id) WHERE reached > told;

-- What became of a cycle that is over.
CREATE TABLE budget_cycles (
    budget_id TEXT    NOT NULL REFERENCES budgets (id),
    cycle     INTEGER NOT NULL,
    coins     INTEGER NOT NULL,
    topped_up INTEGER NOT NULL,
    used      INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    PRIMARY KEY (budget_id, cycle)
) STRICT, WITHOUT ROWID;

-- What a cycle was used for.
CREATE TABLE budget_totals (
    budget_id TEXT    NOT NULL REFERENCES budgets (id),
    cycle     INTEGER NOT NULL,
    operation TEXT    NOT NULL CHECK (length(operation) <= 64),
    used      INTEGER NOT NULL,
    events    INTEGER NOT NULL,
    PRIMARY KEY (budget_id, cycle, operation)
) STRICT, WITHOUT ROWID;

-- The ledger: what was paid, in which cycle of which budgets (NULL: not from
-- there). reserved is what was taken at first, cost what it came to.
CREATE TABLE spends (
    id                 TEXT    PRIMARY KEY CHECK (length(id) = 36),
    organization_id    TEXT    NOT NULL CHECK (length(organization_id) = 36),
    project_id         TEXT    CHECK (length(project_id) = 36),
    credential_id      TEXT    NOT NULL CHECK (length(credential_id) = 36),
    user_id            TEXT    CHECK (length(user_id) = 36),
    at                 INTEGER NOT NULL,
    cost               INTEGER NOT NULL CHECK (cost >= 0),
    reserved           INTEGER NOT NULL CHECK (reserved >= cost),
    settled_at         INTEGER,
    operation          TEXT    NOT NULL CHECK (length(operation) <= 64),
    resource           TEXT    NOT NULL CHECK (length(resource) <= 200),
    organization_cycle INTEGER,
    project_cycle      INTEGER,
    credential_cycle   INTEGER,
    repeat_key         BLOB    CHECK (length(repeat_key) = 32)
) STRICT, WITHOUT ROWID;
CREATE INDEX spends_organization ON spends (organization_id, at, id);
CREATE INDEX spends_project ON spends (project_id, at, id);
CREATE INDEX spends_credential ON spends (credential_id, at, id);
CREATE INDEX spends_repeat ON spends (repeat_key) WHERE repeat_key IS NOT NULL;

-- Whether there is a budget to ask, for what every verification reads.
ALTER TABLE organizations ADD COLUMN metered INTEGER NOT NULL DEFAULT 0 CHECK (metered IN (0, 1));
ALTER TABLE credentials ADD COLUMN metered INTEGER NOT NULL DEFAULT 0 CHECK (metered IN (0, 1));

INSERT INTO budgets (id, organization_id, kind, active, coins, overage, started_at, cycle, topped_up, used, events)
    SELECT id, organization_id, 'project', 1, 1000, 0, created_at, 0, 0, 0, 0 FROM projects;
