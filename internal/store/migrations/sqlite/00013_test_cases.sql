-- +goose Up

-- Where test cases are kept, by path, such as "Login/Errors".
CREATE TABLE test_folders (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    project_id TEXT    NOT NULL REFERENCES projects (id),
    path       TEXT    NOT NULL CHECK (length(path) BETWEEN 1 AND 400),
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, path)
) STRICT, WITHOUT ROWID;

-- TC-<number>. Tests name a case by its automation id, which has five digits.
-- Steps, labels and references are JSON.
CREATE TABLE test_cases (
    id              TEXT    PRIMARY KEY CHECK (length(id) = 36),
    project_id      TEXT    NOT NULL REFERENCES projects (id),
    number          INTEGER NOT NULL CHECK (number BETWEEN 1 AND 1000000000),
    automation_id   INTEGER CHECK (automation_id BETWEEN 10000 AND 99999),
    version         INTEGER NOT NULL CHECK (version BETWEEN 1 AND 1000000000),
    title           TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    description     TEXT    NOT NULL CHECK (length(description) <= 20000),
    preconditions   TEXT    NOT NULL CHECK (length(preconditions) <= 20000),
    steps           TEXT    NOT NULL CHECK (length(steps) <= 500000),
    labels          TEXT    NOT NULL CHECK (length(labels) <= 10000),
    automation_refs TEXT    NOT NULL CHECK (length(automation_refs) <= 20000),
    priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 4), -- 0 is the most urgent
    type            TEXT    NOT NULL CHECK (length(type) BETWEEN 1 AND 30),
    status          TEXT    NOT NULL CHECK (status IN ('draft', 'ready', 'deprecated')),
    folder_id       TEXT    REFERENCES test_folders (id),
    made_by         TEXT    CHECK (length(made_by) = 36),
    made_by_user    TEXT    CHECK (length(made_by_user) = 36),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    UNIQUE (project_id, number),
    UNIQUE (project_id, automation_id)
) STRICT;
CREATE INDEX test_cases_there ON test_cases (project_id, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_status ON test_cases (project_id, status, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_priority ON test_cases (project_id, priority, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_type ON test_cases (project_id, type, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_folder ON test_cases (project_id, folder_id, number) WHERE deleted_at IS NULL;

-- What a test case was at each of its versions, as JSON.
CREATE TABLE test_case_versions (
    case_id      TEXT    NOT NULL REFERENCES test_cases (id),
    version      INTEGER NOT NULL,
    content      TEXT    NOT NULL CHECK (length(content) <= 700000),
    made_by      TEXT    CHECK (length(made_by) = 36),
    made_by_user TEXT    CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (case_id, version)
) STRICT;

-- The labels of the test cases that are there.
CREATE TABLE test_case_labels (
    project_id TEXT    NOT NULL REFERENCES projects (id),
    label      TEXT    NOT NULL CHECK (length(label) BETWEEN 1 AND 50),
    number     INTEGER NOT NULL,
    PRIMARY KEY (project_id, label, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_case_labels_case ON test_case_labels (project_id, number);

-- The names of automated tests that stand for a case, as results name them.
CREATE TABLE test_case_refs (
    project_id TEXT    NOT NULL REFERENCES projects (id),
    ref        TEXT    NOT NULL CHECK (length(ref) BETWEEN 1 AND 500),
    number     INTEGER NOT NULL,
    PRIMARY KEY (project_id, ref, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_case_refs_case ON test_case_refs (project_id, number);

-- TCYCLE-<number>. The first of a project, made with it and having its id, is
-- the master cycle, to which all its test cases belong. The counts are of the
-- executions; what is left of them has not been executed.
CREATE TABLE test_cycles (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 36),
    project_id   TEXT    NOT NULL REFERENCES projects (id),
    number       INTEGER NOT NULL CHECK (number BETWEEN 1 AND 1000000000),
    version      INTEGER NOT NULL CHECK (version BETWEEN 1 AND 1000000000),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    description  TEXT    NOT NULL CHECK (length(description) <= 20000),
    status       TEXT    NOT NULL CHECK (status IN ('planned', 'in_progress', 'completed', 'aborted')),
    total        INTEGER NOT NULL,
    passed       INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    made_by      TEXT    CHECK (length(made_by) = 36),
    made_by_user TEXT    CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    deleted_at   INTEGER,
    UNIQUE (project_id, number),
    CHECK (total >= passed + failed + blocked + skipped AND passed >= 0 AND failed >= 0 AND blocked >= 0 AND skipped >= 0),
    CHECK ((number = 1) = (id = project_id) AND (number <> 1 OR deleted_at IS NULL))
) STRICT;
CREATE INDEX test_cycles_there ON test_cycles (project_id, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cycles_status ON test_cycles (project_id, status, number) WHERE deleted_at IS NULL;

INSERT INTO test_cycles (id, project_id, number, version, name, description, status, total, passed, failed, blocked, skipped, created_at, updated_at)
SELECT id, id, 1, 1, 'Master Test Cycle', '', 'in_progress', 0, 0, 0, 0, 0, created_at, created_at FROM projects;
INSERT INTO counters (parent, noun, last) SELECT id, 'test_cycle', 1 FROM projects;

-- How a test case stands in a cycle.
CREATE TABLE test_executions (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 36),
    cycle_id     TEXT    NOT NULL REFERENCES test_cycles (id),
    case_id      TEXT    NOT NULL REFERENCES test_cases (id),
    case_number  INTEGER NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('not_executed', 'pass', 'fail', 'blocked', 'skipped')),
    comment      TEXT    NOT NULL CHECK (length(comment) <= 5000),
    duration_ms  INTEGER NOT NULL CHECK (duration_ms >= 0),
    run_id       TEXT    CHECK (length(run_id) = 36),
    made_by      TEXT    CHECK (length(made_by) = 36),
    made_by_user TEXT    CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    executed_at  INTEGER,
    UNIQUE (cycle_id, case_number)
) STRICT;
CREATE INDEX test_executions_status ON test_executions (cycle_id, status, case_number);
CREATE INDEX test_executions_case ON test_executions (case_id, id);

-- An upload of results to a cycle. A run key and an attempt name it once.
CREATE TABLE test_runs (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 36),
    project_id   TEXT    NOT NULL REFERENCES projects (id),
    cycle_id     TEXT    NOT NULL REFERENCES test_cycles (id),
    run_key      TEXT    CHECK (length(run_key) BETWEEN 1 AND 200),
    attempt      INTEGER NOT NULL CHECK (attempt BETWEEN 1 AND 1000000),
    build_id     TEXT    NOT NULL CHECK (length(build_id) <= 200),
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    total        INTEGER NOT NULL,
    passed       INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    blocked      INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    matched      INTEGER NOT NULL,
    made_by      TEXT    CHECK (length(made_by) = 36),
    made_by_user TEXT    CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    UNIQUE (project_id, run_key, attempt)
) STRICT;
CREATE INDEX test_runs_cycle ON test_runs (cycle_id, id);

-- One row for each result of an upload, and for each case that it stands for.
CREATE TABLE test_results (
    run_id      TEXT    NOT NULL REFERENCES test_runs (id),
    position    INTEGER NOT NULL,
    case_number INTEGER, -- of the case that it matched
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 1000),
    class_name  TEXT    NOT NULL CHECK (length(class_name) <= 1000),
    status      TEXT    NOT NULL CHECK (status IN ('pass', 'fail', 'blocked', 'skipped', 'ignored')),
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
    message     TEXT    NOT NULL CHECK (length(message) <= 5000),
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- How many there are, so that nobody counts them for each list.
ALTER TABLE projects ADD COLUMN test_cases INTEGER NOT NULL DEFAULT 0 CHECK (test_cases >= 0);
ALTER TABLE projects ADD COLUMN test_cycles INTEGER NOT NULL DEFAULT 1 CHECK (test_cycles >= 1);
