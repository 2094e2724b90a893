-- +goose Up

-- Where an organization is told of its events. Without events it is all of
-- them. The secret before the present one signs too until it ends.
CREATE TABLE webhooks (
    id               TEXT PRIMARY KEY CHECK (length(id) = 36),
    organization_id  TEXT NOT NULL REFERENCES organizations (id),
    url              TEXT NOT NULL CHECK (length(url) <= 2048),
    description      TEXT NOT NULL CHECK (length(description) <= 500),
    events           TEXT NOT NULL CHECK (length(events) <= 2000),
    active           INTEGER NOT NULL CHECK (active IN (0, 1)),
    secret           BLOB NOT NULL, -- sealed
    previous         BLOB, -- sealed
    previous_ends_at INTEGER,
    generation       INTEGER NOT NULL,
    key_version      INTEGER NOT NULL,
    failing_since    INTEGER,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_organization ON webhooks (organization_id, id);

-- What an endpoint was told, or is to be: next_at says when it is tried.
CREATE TABLE webhook_deliveries (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    webhook_id   TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event        TEXT NOT NULL CHECK (length(event) <= 50),
    sequence     INTEGER NOT NULL, -- of the audit event; 0 for a test
    payload      TEXT NOT NULL CHECK (length(payload) <= 20000),
    attempts     INTEGER NOT NULL,
    status_code  INTEGER,
    response     TEXT CHECK (length(response) <= 500),
    failure      TEXT CHECK (length(failure) <= 200),
    next_at      INTEGER,
    delivered_at INTEGER,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at, webhook_id) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
