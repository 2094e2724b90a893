-- +goose Up

-- How long the tests of a run took, all together: of those that are counted.
ALTER TABLE test_runs ADD COLUMN duration_ms BIGINT NOT NULL DEFAULT 0;
UPDATE test_runs SET duration_ms = COALESCE((SELECT SUM(x.duration_ms) FROM test_results x WHERE x.run_id = test_runs.id AND NOT x.retried AND NOT x.also), 0);

-- What somebody is to see to, and which tests are slow: a second or longer.
CREATE INDEX issues_assignee ON issues (project_id, assignee_id, number) WHERE assignee_id IS NOT NULL;
CREATE INDEX tests_slow ON tests (project_id, duration_ms, id) WHERE duration_ms >= 1000;
