-- +goose Up

-- What one actor did is found without reading the whole chain.
CREATE INDEX audit_events_actor ON audit_events (chain, actor, sequence);
