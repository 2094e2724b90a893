-- +goose Up

-- How many requests there were on a day (UTC, counted from 1970), and what was
-- paid for them. Ids are zeros where there is no project or organization, and
-- where there was no room to count by credential.
CREATE TABLE usage_days (
    organization_id UUID    NOT NULL,
    credential_id   UUID    NOT NULL,
    project_id      UUID    NOT NULL,
    day             BIGINT  NOT NULL,
    resource        TEXT    NOT NULL CHECK (length(resource) <= 200),
    outcome         TEXT    NOT NULL CHECK (length(outcome) <= 40),
    requests        BIGINT  NOT NULL CHECK (requests >= 0),
    coins           BIGINT  NOT NULL CHECK (coins >= 0),
    PRIMARY KEY (organization_id, day, credential_id, project_id, resource, outcome)
);
CREATE INDEX usage_days_credential ON usage_days (credential_id, day);
CREATE INDEX usage_days_age ON usage_days (day);

-- The requests to routes of ours, one by one, by whoever presents a credential.
CREATE TABLE requests (
    id              UUID    NOT NULL,
    organization_id UUID, -- NULL: the installation's
    credential_id   UUID    NOT NULL,
    at              BIGINT  NOT NULL,
    method          TEXT    NOT NULL CHECK (length(method) <= 10),
    path            TEXT    NOT NULL CHECK (length(path) <= 256),
    status          BIGINT  NOT NULL,
    address         TEXT    NOT NULL CHECK (length(address) <= 64),
    user_agent      TEXT    NOT NULL CHECK (length(user_agent) <= 256),
    PRIMARY KEY (credential_id, id)
);
CREATE INDEX requests_age ON requests (at);

-- What somebody's own credentials paid is found without that of all others.
CREATE INDEX spends_user ON spends (user_id, at, id) WHERE user_id IS NOT NULL;
