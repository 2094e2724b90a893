-- +goose Up

-- Where test cases are kept, by path, such as "Login/Errors".
CREATE TABLE test_folders (
    id         UUID    PRIMARY KEY,
    project_id UUID    NOT NULL REFERENCES projects (id),
    path       TEXT    NOT NULL CHECK (length(path) BETWEEN 1 AND 400),
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, path)
);

-- TC-<number>. Tests name a case by its automation id, which has five digits.
-- Steps, labels and references are JSON.
CREATE TABLE test_cases (
    id              UUID    PRIMARY KEY,
    project_id      UUID    NOT NULL REFERENCES projects (id),
    number          BIGINT NOT NULL CHECK (number BETWEEN 1 AND 1000000000),
    automation_id   BIGINT CHECK (automation_id BETWEEN 10000 AND 99999),
    version         BIGINT NOT NULL CHECK (version BETWEEN 1 AND 1000000000),
    title           TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    description     TEXT    NOT NULL CHECK (length(description) <= 20000),
    preconditions   TEXT    NOT NULL CHECK (length(preconditions) <= 20000),
    steps           TEXT    NOT NULL CHECK (length(steps) <= 500000),
    labels          TEXT    NOT NULL CHECK (length(labels) <= 10000),
    automation_refs TEXT    NOT NULL CHECK (length(automation_refs) <= 20000),
    priority        BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 4), -- 0 is the most urgent
    type            TEXT    NOT NULL CHECK (length(type) BETWEEN 1 AND 30),
    status          TEXT    NOT NULL CHECK (status IN ('draft', 'ready', 'deprecated')),
    folder_id       UUID    REFERENCES test_folders (id),
    made_by UUID,
    made_by_user UUID,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    deleted_at      BIGINT,
    UNIQUE (project_id, number),
    UNIQUE (project_id, automation_id)
);
CREATE INDEX test_cases_there ON test_cases (project_id, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_status ON test_cases (project_id, status, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_priority ON test_cases (project_id, priority, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_type ON test_cases (project_id, type, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_folder ON test_cases (project_id, folder_id, number) WHERE deleted_at IS NULL;

-- What a test case was at each of its versions, as JSON.
CREATE TABLE test_case_versions (
    case_id      UUID    NOT NULL REFERENCES test_cases (id),
    version      BIGINT NOT NULL,
    content      TEXT    NOT NULL CHECK (length(content) <= 700000),
    made_by UUID,
    made_by_user UUID,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (case_id, version)
);

-- The labels of the test cases that are there.
CREATE TABLE test_case_labels (
    project_id UUID    NOT NULL REFERENCES projects (id),
    label      TEXT    NOT NULL CHECK (length(label) BETWEEN 1 AND 50),
    number     BIGINT NOT NULL,
    PRIMARY KEY (project_id, label, number)
);
CREATE INDEX test_case_labels_case ON test_case_labels (project_id, number);

-- The names of automated tests that stand for a case, as results name them.
CREATE TABLE test_case_refs (
    project_id UUID    NOT NULL REFERENCES projects (id),
    ref        TEXT    NOT NULL CHECK (length(ref) BETWEEN 1 AND 500),
    number     BIGINT NOT NULL,
    PRIMARY KEY (project_id, ref, number)
);
CREATE INDEX test_case_refs_case ON test_case_refs (project_id, number);

-- TCYCLE-<number>. The first of a project, made with it and having its id, is
-- the master cycle, to which all its test cases belong. The counts are of the
-- executions; what is left of them has not been executed.
CREATE TABLE test_cycles (
    id           UUID    PRIMARY KEY,
    project_id   UUID    NOT NULL REFERENCES projects (id),
    number       BIGINT NOT NULL CHECK (number BETWEEN 1 AND 1000000000),
    version      BIGINT NOT NULL CHECK (version BETWEEN 1 AND 1000000000),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    description  TEXT    NOT NULL CHECK (length(description) <= 20000),
    status       TEXT    NOT NULL CHECK (status IN ('planned', 'in_progress', 'completed', 'aborted')),
    total        BIGINT NOT NULL,
    passed       BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    blocked      BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,
    made_by UUID,
    made_by_user UUID,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    deleted_at   BIGINT,
    UNIQUE (project_id, number),
    CHECK (total >= passed + failed + blocked + skipped AND passed >= 0 AND failed >= 0 AND blocked >= 0 AND skipped >= 0),
    CHECK ((number = 1) = (id = project_id) AND (number <> 1 OR deleted_at IS NULL))
);
CREATE INDEX test_cycles_there ON test_cycles (project_id, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cycles_status ON test_cycles (project_id, status, number) WHERE deleted_at IS NULL;

INSERT INTO test_cycles (id, project_id, number, version, name, description, status, total, passed, failed, blocked, skipped, created_at, updated_at)
SELECT id, id, 1, 1, 'Master Test Cycle', '', 'in_progress', 0, 0, 0, 0, 0, created_at, created_at FROM projects;
INSERT INTO counters (parent, noun, last) SELECT id::text, 'test_cycle', 1 FROM projects;

-- How a test case stands in a cycle.
CREATE TABLE test_executions (
    id           UUID    PRIMARY KEY,
    cycle_id     UUID    NOT NULL REFERENCES test_cycles (id),
    case_id      UUID    NOT NULL REFERENCES test_cases (id),
    case_number  BIGINT NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('not_executed', 'pass', 'fail', 'blocked', 'skipped')),
    comment      TEXT    NOT NULL CHECK (length(comment) <= 5000),
    duration_ms  BIGINT NOT NULL CHECK (duration_ms >= 0),
    run_id UUID,
    made_by UUID,
    made_by_user UUID,
    created_at   BIGINT NOT NULL,
    executed_at  BIGINT,
    UNIQUE (cycle_id, case_number)
);
CREATE INDEX test_executions_status ON test_executions (cycle_id, status, case_number);
CREATE INDEX test_executions_case ON test_executions (case_id, id);

-- An upload of results to a cycle. A run key and an attempt name it once.
CREATE TABLE test_runs (
    id           UUID    PRIMARY KEY,
    project_id   UUID    NOT NULL REFERENCES projects (id),
    cycle_id     UUID    NOT NULL REFERENCES test_cycles (id),
    run_key      TEXT    CHECK (length(run_key) BETWEEN 1 AND 200),
    attempt      BIGINT NOT NULL CHECK (attempt BETWEEN 1 AND 1000000),
    build_id     TEXT    NOT NULL CHECK (length(build_id) <= 200),
    request      BYTEA   NOT NULL CHECK (length(request) = 32),
    total        BIGINT NOT NULL,
    passed       BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    blocked      BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,
    matched      BIGINT NOT NULL,
    made_by UUID,
    made_by_user UUID,
    created_at   BIGINT NOT NULL,
    UNIQUE (project_id, run_key, attempt)
);
CREATE INDEX test_runs_cycle ON test_runs (cycle_id, id);

-- One row for each result of an upload, and for each case that it stands for.
CREATE TABLE test_results (
    run_id      UUID    NOT NULL REFERENCES test_runs (id),
    position    BIGINT NOT NULL,
    case_number BIGINT, -- of the case that it matched
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 1000),
    class_name  TEXT    NOT NULL CHECK (length(class_name) <= 1000),
    status      TEXT    NOT NULL CHECK (status IN ('pass', 'fail', 'blocked', 'skipped', 'ignored')),
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    message     TEXT    NOT NULL CHECK (length(message) <= 5000),
    PRIMARY KEY (run_id, position)
);

-- How many there are, so that nobody counts them for each list.
ALTER TABLE projects ADD COLUMN test_cases BIGINT NOT NULL DEFAULT 0 CHECK (test_cases >= 0);
ALTER TABLE projects ADD COLUMN test_cycles BIGINT NOT NULL DEFAULT 1 CHECK (test_cycles >= 1);
