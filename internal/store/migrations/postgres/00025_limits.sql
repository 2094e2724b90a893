-- +goose Up

-- How many requests an organization, and a project's own credentials, make in a
-- window of so many seconds, and an address in an organization in a minute; 0 is
-- as many as they like.
ALTER TABLE organizations ADD COLUMN rate_limit BIGINT NOT NULL DEFAULT 0 CHECK (rate_limit BETWEEN 0 AND 1000000000);
ALTER TABLE organizations ADD COLUMN rate_window BIGINT NOT NULL DEFAULT 0 CHECK (rate_window BETWEEN 0 AND 2678400);
ALTER TABLE organizations ADD COLUMN address_rate BIGINT NOT NULL DEFAULT 0 CHECK (address_rate BETWEEN 0 AND 1000000000);
ALTER TABLE projects ADD COLUMN rate_limit BIGINT NOT NULL DEFAULT 0 CHECK (rate_limit BETWEEN 0 AND 1000000000);
ALTER TABLE projects ADD COLUMN rate_window BIGINT NOT NULL DEFAULT 0 CHECK (rate_window BETWEEN 0 AND 2678400);

-- The nodes that serve this database, and when each was seen last.
CREATE TABLE nodes (
    id         UUID PRIMARY KEY,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
