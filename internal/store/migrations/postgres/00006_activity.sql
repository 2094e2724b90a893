-- +goose Up

-- What one actor did is found without reading the whole chain.
CREATE INDEX audit_events_actor ON audit_events (chain, actor, sequence);

-- Whether the first use of a secret ends the one before it.
ALTER TABLE secrets ADD COLUMN takes_over BIGINT NOT NULL DEFAULT 0 CHECK (takes_over IN (0, 1));
