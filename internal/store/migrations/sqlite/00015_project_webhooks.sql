-- +goose Up

-- The project whose events alone an endpoint is told of; all of its organization's without one.
ALTER TABLE webhooks ADD COLUMN project_id TEXT REFERENCES projects (id);
