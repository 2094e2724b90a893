-- +goose Up

-- A beta test that an organization runs with people of outside.
CREATE TABLE campaigns (
    id              UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    number          BIGINT NOT NULL,
    name            TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    description     TEXT NOT NULL CHECK (length(description) <= 10000),
    status          TEXT NOT NULL CHECK (status IN ('draft', 'pending_review', 'ready', 'in_progress', 'complete', 'closed', 'paused')),
    starts_at       BIGINT,
    ends_at         BIGINT,
    made_by         UUID, -- a credential; NULL where none was used
    made_by_user    UUID,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX campaigns_number ON campaigns (organization_id, number) INCLUDE (id);
CREATE INDEX campaigns_status ON campaigns (organization_id, status, number) INCLUDE (id);

-- Somebody who takes part in a campaign, or wants to.
CREATE TABLE testers (
    id           UUID PRIMARY KEY,
    campaign_id  UUID NOT NULL REFERENCES campaigns (id),
    number       BIGINT NOT NULL,
    email        TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    status       TEXT NOT NULL CHECK (status IN ('incomplete', 'complete', 'pending_review', 'removed', 'opt_out', 'stuck')),
    joined_at    BIGINT,
    completed_at BIGINT,
    made_by      UUID,
    made_by_user UUID,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX testers_number ON testers (campaign_id, number) INCLUDE (id);
CREATE UNIQUE INDEX testers_email ON testers (campaign_id, email);
CREATE INDEX testers_status ON testers (campaign_id, status, number) INCLUDE (id);

-- The words of a tester's name and address, by whose beginnings they are found.
CREATE TABLE tester_words (
    campaign_id UUID NOT NULL REFERENCES campaigns (id),
    word        TEXT COLLATE "C" NOT NULL CHECK (length(word) BETWEEN 1 AND 254),
    number      BIGINT NOT NULL, -- of the tester
    PRIMARY KEY (campaign_id, word, number)
);

-- How many rows below a parent have a status, so that nobody counts them: the
-- campaigns of an organization, the testers of a campaign.
CREATE TABLE tallies (
    parent UUID NOT NULL,
    status TEXT NOT NULL CHECK (length(status) BETWEEN 1 AND 20),
    n      BIGINT NOT NULL CHECK (n >= 0),
    PRIMARY KEY (parent, status)
);
