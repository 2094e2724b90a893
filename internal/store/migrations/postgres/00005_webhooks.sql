-- +goose Up

-- Where an organization is told of its events. Without events it is all of
-- them. The secret before the present one signs too until it ends.
CREATE TABLE webhooks (
    id               UUID PRIMARY KEY,
    organization_id  UUID NOT NULL REFERENCES organizations (id),
    url              TEXT NOT NULL CHECK (length(url) <= 2048),
    description      TEXT NOT NULL CHECK (length(description) <= 500),
    events           TEXT NOT NULL CHECK (length(events) <= 2000),
    active           BIGINT NOT NULL CHECK (active IN (0, 1)),
    secret           BYTEA NOT NULL, -- sealed
    previous         BYTEA, -- sealed
    previous_ends_at BIGINT,
    generation       BIGINT NOT NULL,
    key_version      BIGINT NOT NULL,
    failing_since    BIGINT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX webhooks_organization ON webhooks (organization_id, id);

-- What an endpoint was told, or is to be: next_at says when it is tried.
CREATE TABLE webhook_deliveries (
    id           UUID PRIMARY KEY,
    webhook_id   UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event        TEXT NOT NULL CHECK (length(event) <= 50),
    sequence     BIGINT NOT NULL, -- of the audit event; 0 for a test
    payload      TEXT NOT NULL CHECK (length(payload) <= 20000),
    attempts     BIGINT NOT NULL,
    status_code  BIGINT,
    response     TEXT CHECK (length(response) <= 500),
    failure      TEXT CHECK (length(failure) <= 200),
    next_at      BIGINT,
    delivered_at BIGINT,
    created_at   BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at, webhook_id) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
