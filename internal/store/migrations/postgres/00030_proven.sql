-- +goose Up

-- When the user of a session last proved who they are: by signing in, or again,
-- before something that outlives the session. Unknown for sessions of before.
ALTER TABLE sessions ADD COLUMN proven_at BIGINT;
