-- +goose Up

-- What the testers of a campaign found, or ask for.
CREATE TABLE campaign_issues (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    campaign_id  TEXT NOT NULL REFERENCES campaigns (id),
    number       INTEGER NOT NULL,
    title        TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description  TEXT NOT NULL CHECK (length(description) <= 10000),
    status       TEXT NOT NULL CHECK (status IN ('draft', 'to_do', 'in_progress', 'needs_more_info', 'complete', 'closed')),
    priority     TEXT NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    notes        TEXT NOT NULL CHECK (length(notes) <= 10000),
    made_by      TEXT CHECK (length(made_by) = 36), -- a credential; NULL where none was used
    made_by_user TEXT CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_issues_number ON campaign_issues (campaign_id, number, status);
CREATE INDEX campaign_issues_status ON campaign_issues (campaign_id, status, number);

-- How an endpoint is told: in our own words, or in those of another service.
ALTER TABLE webhooks ADD COLUMN format TEXT NOT NULL DEFAULT 'standard' CHECK (format IN ('standard', 'betatesting'));

-- The schemes whose credentials the operator withholds from an organization,
-- with blanks between them: every verification reads them.
ALTER TABLE organizations ADD COLUMN withheld TEXT NOT NULL DEFAULT '' CHECK (length(withheld) <= 5000);
