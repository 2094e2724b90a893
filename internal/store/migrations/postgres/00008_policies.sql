-- +goose Up

-- What an organization asks of its credentials.
CREATE TABLE policies (
    organization_id UUID   PRIMARY KEY REFERENCES organizations (id),
    policy          TEXT   NOT NULL,
    updated_at      BIGINT NOT NULL
);

-- Apart from it, since every verification reads them; "*" is anywhere.
ALTER TABLE organizations ADD COLUMN allowed_addresses TEXT NOT NULL DEFAULT '*';

-- Since when a credential that was suspended works again.
ALTER TABLE credentials ADD COLUMN resumed_at BIGINT;
