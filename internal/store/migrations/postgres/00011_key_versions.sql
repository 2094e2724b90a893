-- +goose Up

-- How often the public keys of an OAuth2 client were set.
ALTER TABLE credentials ADD COLUMN keys_version BIGINT NOT NULL DEFAULT 0;
