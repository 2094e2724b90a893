-- +goose Up

-- A beta test that an organization runs with people of outside.
CREATE TABLE campaigns (
    id              TEXT PRIMARY KEY CHECK (length(id) = 36),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    number          INTEGER NOT NULL,
    name            TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    description     TEXT NOT NULL CHECK (length(description) <= 10000),
    status          TEXT NOT NULL CHECK (status IN ('draft', 'pending_review', 'ready', 'in_progress', 'complete', 'closed', 'paused')),
    starts_at       INTEGER,
    ends_at         INTEGER,
    made_by         TEXT CHECK (length(made_by) = 36), -- a credential; NULL where none was used
    made_by_user    TEXT CHECK (length(made_by_user) = 36),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX campaigns_number ON campaigns (organization_id, number);
CREATE INDEX campaigns_status ON campaigns (organization_id, status, number);

-- Somebody who takes part in a campaign, or wants to.
CREATE TABLE testers (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    campaign_id  TEXT NOT NULL REFERENCES campaigns (id),
    number       INTEGER NOT NULL,
    email        TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status       TEXT NOT NULL CHECK (status IN ('incomplete', 'complete', 'pending_review', 'removed', 'opt_out', 'stuck')),
    joined_at    INTEGER,
    completed_at INTEGER,
    made_by      TEXT CHECK (length(made_by) = 36),
    made_by_user TEXT CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX testers_number ON testers (campaign_id, number);
CREATE UNIQUE INDEX testers_email ON testers (campaign_id, email);
CREATE INDEX testers_status ON testers (campaign_id, status, number);

-- The words of a tester's name and address, by whose beginnings they are found.
CREATE TABLE tester_words (
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    word        TEXT NOT NULL CHECK (length(word) BETWEEN 1 AND 254),
    number      INTEGER NOT NULL, -- of the tester
    PRIMARY KEY (campaign_id, word, number)
) STRICT, WITHOUT ROWID;

-- How many rows below a parent have a status, so that nobody counts them: the
-- campaigns of an organization, the testers of a campaign.
CREATE TABLE tallies (
    parent TEXT NOT NULL CHECK (length(parent) = 36),
    status TEXT NOT NULL CHECK (length(status) BETWEEN 1 AND 20),
    n      INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (parent, status)
) STRICT, WITHOUT ROWID;
