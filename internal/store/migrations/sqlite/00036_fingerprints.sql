-- +goose Up

-- Whose is this secret? Its fingerprint finds the credential.
CREATE INDEX secrets_fingerprint ON secrets (fingerprint);
