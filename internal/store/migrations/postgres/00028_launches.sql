-- +goose Up

-- A run of tests as an agent reports it while it goes on. Numbers go up with time in each project. What it holds is
-- counted here, so that it is bounded and its things have positions.
CREATE TABLE launches (
    id            UUID    PRIMARY KEY,
    number        BIGINT  NOT NULL,
    project_id    UUID    NOT NULL REFERENCES projects (id),
    name          TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    description   TEXT    NOT NULL CHECK (length(description) <= 66000),
    attributes    TEXT    NOT NULL CHECK (length(attributes) <= 300000), -- a JSON array
    mode          TEXT    NOT NULL CHECK (mode IN ('DEFAULT', 'DEBUG')),
    status        TEXT    NOT NULL CHECK (status IN ('in_progress', 'passed', 'failed', 'stopped', 'interrupted', 'cancelled')),
    total         BIGINT  NOT NULL CHECK (total >= 0), -- since it was finished
    passed        BIGINT  NOT NULL CHECK (passed >= 0),
    failed        BIGINT  NOT NULL CHECK (failed >= 0),
    skipped       BIGINT  NOT NULL CHECK (skipped >= 0),
    items         BIGINT  NOT NULL CHECK (items >= 0),
    logs          BIGINT  NOT NULL CHECK (logs >= 0),
    files         BIGINT  NOT NULL CHECK (files >= 0),
    reruns        BIGINT  NOT NULL CHECK (reruns >= 0),
    merged_into   UUID    REFERENCES launches (id), -- where its items are now
    run_id        UUID, -- the latest upload of its results
    request       BYTEA   NOT NULL CHECK (length(request) = 32),
    made_by       UUID,
    made_by_user  UUID,
    started_at    BIGINT  NOT NULL,
    ended_at      BIGINT,
    created_at    BIGINT  NOT NULL,
    UNIQUE (project_id, number)
);
CREATE INDEX launches_name ON launches (project_id, name, number);

-- A suite, a test or a step of a launch.
CREATE TABLE launch_items (
    id            UUID    PRIMARY KEY,
    number        BIGINT  NOT NULL,
    project_id    UUID    NOT NULL REFERENCES projects (id),
    launch_id     UUID    NOT NULL REFERENCES launches (id),
    parent_id     UUID    REFERENCES launch_items (id),
    type          TEXT    NOT NULL CHECK (length(type) BETWEEN 1 AND 20),
    name          TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 1000),
    code_ref      TEXT    NOT NULL CHECK (length(code_ref) <= 2000),
    test_case_id  TEXT    NOT NULL CHECK (length(test_case_id) <= 2000),
    unique_id     TEXT    NOT NULL CHECK (length(unique_id) <= 2000),
    identity      BYTEA   NOT NULL CHECK (length(identity) = 16), -- the same for each attempt of a test
    attributes    TEXT    NOT NULL CHECK (length(attributes) <= 300000), -- a JSON array
    parameters    TEXT    NOT NULL CHECK (length(parameters) <= 300000), -- a JSON array
    description   TEXT    NOT NULL CHECK (length(description) <= 66000),
    issue         TEXT    NOT NULL CHECK (length(issue) <= 4000),
    has_stats     BOOLEAN NOT NULL,
    attempt       BIGINT  NOT NULL CHECK (attempt >= 1),
    rerun         BIGINT  NOT NULL CHECK (rerun >= 0), -- in which rerun of the launch it was started
    superseded_by UUID, -- the next attempt
    said          TEXT    NOT NULL CHECK (length(said) <= 20), -- the status that the agent gave; empty for none
    status        TEXT    NOT NULL CHECK (status IN ('in_progress', 'passed', 'failed', 'skipped', 'interrupted', 'cancelled')),
    reported      BOOLEAN NOT NULL, -- it is in the results of the project
    request       BYTEA   NOT NULL CHECK (length(request) = 32),
    started_at    BIGINT  NOT NULL,
    ended_at      BIGINT,
    UNIQUE (project_id, number)
);
CREATE INDEX launch_items_launch ON launch_items (launch_id, number);
CREATE INDEX launch_items_parent ON launch_items (parent_id, number);
CREATE INDEX launch_items_identity ON launch_items (launch_id, identity);

-- A line that a test wrote, or a file of it.
CREATE TABLE launch_logs (
    id            UUID    PRIMARY KEY,
    number        BIGINT  NOT NULL,
    launch_id     UUID    NOT NULL REFERENCES launches (id),
    item_id       UUID    REFERENCES launch_items (id),
    at            BIGINT  NOT NULL,
    level         TEXT    NOT NULL CHECK (level IN ('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'UNKNOWN')),
    message       TEXT    NOT NULL CHECK (length(message) <= 66000),
    artifact_id   UUID    REFERENCES artifacts (id) ON DELETE SET NULL
);
CREATE INDEX launch_logs_launch ON launch_logs (launch_id, number);
CREATE INDEX launch_logs_item ON launch_logs (item_id, number) WHERE item_id IS NOT NULL;
CREATE INDEX launch_logs_artifact ON launch_logs (artifact_id) WHERE artifact_id IS NOT NULL;
