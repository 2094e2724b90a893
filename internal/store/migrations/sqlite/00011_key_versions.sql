-- +goose Up

-- How often the public keys of an OAuth2 client were set.
ALTER TABLE credentials ADD COLUMN keys_version INTEGER NOT NULL DEFAULT 0;
