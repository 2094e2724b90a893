-- +goose Up

-- A user that nobody signs in as: whom shared tokens belong to.
ALTER TABLE users ADD COLUMN service BIGINT NOT NULL DEFAULT 0 CHECK (service IN (0, 1));
