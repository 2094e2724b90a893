-- +goose Up

-- How many requests an organization, and a project's own credentials, make in a
-- window of so many seconds, and an address in an organization in a minute; 0 is
-- as many as they like.
ALTER TABLE organizations ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit BETWEEN 0 AND 1000000000);
ALTER TABLE organizations ADD COLUMN rate_window INTEGER NOT NULL DEFAULT 0 CHECK (rate_window BETWEEN 0 AND 2678400);
ALTER TABLE organizations ADD COLUMN address_rate INTEGER NOT NULL DEFAULT 0 CHECK (address_rate BETWEEN 0 AND 1000000000);
ALTER TABLE projects ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 0 CHECK (rate_limit BETWEEN 0 AND 1000000000);
ALTER TABLE projects ADD COLUMN rate_window INTEGER NOT NULL DEFAULT 0 CHECK (rate_window BETWEEN 0 AND 2678400);

-- The nodes that serve this database, and when each was seen last.
CREATE TABLE nodes (
    id         TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
