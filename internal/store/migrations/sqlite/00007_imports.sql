-- +goose Up

-- Of a secret that another system made: the keyed hash of its SHA-256. Until
-- the secret is first seen it is the lookup key as well.
ALTER TABLE secrets ADD COLUMN import_key BLOB CHECK (length(import_key) = 32);
CREATE UNIQUE INDEX secrets_import ON secrets (import_key) WHERE import_key IS NOT NULL;

-- Under which root key these were stored, so that it is known when none of
-- them needs an older one.
ALTER TABLE backup_codes ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE idempotency_keys ADD COLUMN key_version INTEGER NOT NULL DEFAULT 1;
