-- +goose Up

-- A run has a number in its project, and may be stored bit by bit: whoever
-- knows its shared key adds to it. Of what failed, errors says how much was an
-- error; of what passed, flaky says how much failed first. stored is how many
-- rows of results it has: what was tried again is stored, and not counted.
ALTER TABLE test_runs ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN shared_key TEXT CHECK (length(shared_key) BETWEEN 1 AND 200);
ALTER TABLE test_runs ADD COLUMN name TEXT NOT NULL DEFAULT '' CHECK (length(name) <= 200);
ALTER TABLE test_runs ADD COLUMN source TEXT NOT NULL DEFAULT 'results' CHECK (source IN ('results', 'file', 'launch'));
ALTER TABLE test_runs ADD COLUMN status TEXT NOT NULL DEFAULT 'passed' CHECK (status IN ('in_progress', 'passed', 'failed'));
ALTER TABLE test_runs ADD COLUMN commit_hash TEXT NOT NULL DEFAULT '' CHECK (length(commit_hash) <= 200);
ALTER TABLE test_runs ADD COLUMN branch TEXT NOT NULL DEFAULT '' CHECK (length(branch) <= 255);
ALTER TABLE test_runs ADD COLUMN ci TEXT NOT NULL DEFAULT '{}' CHECK (length(ci) <= 20000);
ALTER TABLE test_runs ADD COLUMN skipped_as TEXT NOT NULL DEFAULT 'skipped' CHECK (skipped_as IN ('skipped', 'blocked', 'ignored'));
ALTER TABLE test_runs ADD COLUMN shards BIGINT NOT NULL DEFAULT 1 CHECK (shards BETWEEN 1 AND 1000);
ALTER TABLE test_runs ADD COLUMN stored BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN errors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN flaky BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN suite_errors BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN redacted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN retried BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE test_runs ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_runs ADD COLUMN finished_at BIGINT;

UPDATE test_runs SET number = counted.n, stored = total, updated_at = created_at, finished_at = created_at,
    status = CASE WHEN failed > 0 THEN 'failed' ELSE 'passed' END
FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY project_id ORDER BY id) AS n FROM test_runs) AS counted WHERE counted.id = test_runs.id;
INSERT INTO counters (parent, noun, last) SELECT project_id::text, 'test_run', MAX(number) FROM test_runs GROUP BY project_id;

CREATE UNIQUE INDEX test_runs_number ON test_runs (project_id, number);
CREATE UNIQUE INDEX test_runs_shared ON test_runs (project_id, shared_key) WHERE shared_key IS NOT NULL;
CREATE INDEX test_runs_named ON test_runs (project_id, name, branch, number);
CREATE INDEX test_runs_commit ON test_runs (project_id, commit_hash, number);
CREATE INDEX test_runs_branch ON test_runs (project_id, branch, number);
CREATE INDEX test_runs_status ON test_runs (project_id, status, number);

-- Of what failed, error says that the test couldn't be run to its end. A result
-- that was retried isn't the last word of its test in the run. One that stands for
-- several test cases has a row for each, the others with also. Properties and
-- attachments are JSON. What was stored before has no test.
ALTER TABLE test_results ADD COLUMN error BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE test_results ADD COLUMN flaky BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE test_results ADD COLUMN retried BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE test_results ADD COLUMN also BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE test_results ADD COLUMN attempt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_results ADD COLUMN suite TEXT NOT NULL DEFAULT '' CHECK (length(suite) <= 1000);
ALTER TABLE test_results ADD COLUMN file TEXT NOT NULL DEFAULT '' CHECK (length(file) <= 1000);
ALTER TABLE test_results ADD COLUMN line BIGINT NOT NULL DEFAULT 0;
ALTER TABLE test_results ADD COLUMN code_ref TEXT NOT NULL DEFAULT '' CHECK (length(code_ref) <= 2001);
ALTER TABLE test_results ADD COLUMN detail TEXT NOT NULL DEFAULT '' CHECK (length(detail) <= 20000);
ALTER TABLE test_results ADD COLUMN properties TEXT NOT NULL DEFAULT '[]' CHECK (length(properties) <= 500000);
ALTER TABLE test_results ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]' CHECK (length(attachments) <= 200000);
ALTER TABLE test_results ADD COLUMN test_id UUID;
ALTER TABLE test_results ADD COLUMN stored_at BIGINT NOT NULL DEFAULT 0;
UPDATE test_results SET stored_at = (SELECT r.created_at FROM test_runs r WHERE r.id = run_id);
CREATE INDEX test_results_test ON test_results (test_id, run_id, position) WHERE test_id IS NOT NULL;
CREATE INDEX test_results_failed ON test_results (run_id, status, position) WHERE status = 'fail';

-- A part of a run that comes in batches, in any order. Files says of what it
-- was read from, as JSON.
CREATE TABLE run_uploads (
    run_id       UUID    NOT NULL REFERENCES test_runs (id),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    digest       BYTEA    NOT NULL CHECK (length(digest) = 32),
    batches      BIGINT NOT NULL CHECK (batches BETWEEN 0 AND 10000),
    stored       BIGINT NOT NULL CHECK (stored BETWEEN 0 AND batches),
    suite_errors BIGINT NOT NULL CHECK (suite_errors >= 0),
    files        TEXT    NOT NULL CHECK (length(files) <= 500000),
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (run_id, name)
);

-- A batch that is stored, with a hash of what it was.
CREATE TABLE upload_batches (
    run_id    UUID    NOT NULL REFERENCES test_runs (id),
    upload    TEXT    NOT NULL CHECK (length(upload) BETWEEN 1 AND 100),
    number    BIGINT NOT NULL CHECK (number BETWEEN 1 AND 10000),
    hash      BYTEA    NOT NULL CHECK (length(hash) = 32),
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, upload, number)
);

-- A test as its results tell of it: its id is drawn from its project and its
-- names, so that those of one class are neighbours. The status is that of its last attempt in the last run; the last
-- outcome is the pass or fail that was stored last, and of which commit.
CREATE TABLE tests (
    id           UUID    PRIMARY KEY,
    project_id   UUID    NOT NULL REFERENCES projects (id),
    name         TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 1000),
    class_name   TEXT    NOT NULL CHECK (length(class_name) <= 1000),
    code_ref     TEXT    NOT NULL CHECK (length(code_ref) BETWEEN 1 AND 2001),
    status       TEXT    NOT NULL CHECK (status IN ('pass', 'fail', 'blocked', 'skipped', 'ignored')),
    error        BOOLEAN NOT NULL,
    duration_ms  BIGINT NOT NULL CHECK (duration_ms >= 0),
    results      BIGINT NOT NULL CHECK (results >= 0),
    last_run_id  UUID    NOT NULL,
    last_attempt BIGINT NOT NULL,
    last_commit  TEXT    NOT NULL CHECK (length(last_commit) <= 200),
    last_outcome TEXT    NOT NULL CHECK (last_outcome IN ('', 'pass', 'fail')),
    passed_at    BIGINT,
    failed_at    BIGINT,
    clean_passes BIGINT NOT NULL CHECK (clean_passes >= 0),
    flaky_since  BIGINT,
    first_seen   BIGINT NOT NULL,
    last_seen    BIGINT NOT NULL
);
CREATE INDEX tests_name ON tests (project_id, class_name, name, id);
CREATE INDEX tests_flaky ON tests (project_id, class_name, name, id) WHERE flaky_since IS NOT NULL;
CREATE INDEX tests_failing ON tests (project_id, class_name, name, id) WHERE status = 'fail';

-- Of several attempts in one run the last one says how a test case went.
ALTER TABLE test_executions ADD COLUMN attempt BIGINT NOT NULL DEFAULT 0;
