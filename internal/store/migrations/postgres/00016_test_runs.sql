-- +goose Up

-- What OneTest says of a test case beyond the rest.
ALTER TABLE test_cases ADD COLUMN test_type TEXT NOT NULL DEFAULT 'manual' CHECK (test_type IN ('manual', 'automated', 'exploratory'));
ALTER TABLE test_cases ADD COLUMN execution_type TEXT NOT NULL DEFAULT 'manual' CHECK (execution_type IN ('manual', 'automated'));
ALTER TABLE test_cases ADD COLUMN automation_status TEXT NOT NULL DEFAULT 'not_automated' CHECK (automation_status IN ('not_automated', 'candidate', 'automated'));
ALTER TABLE test_cases ADD COLUMN component TEXT NOT NULL DEFAULT '' CHECK (length(component) <= 200);
ALTER TABLE test_cases ADD COLUMN owner TEXT NOT NULL DEFAULT '' CHECK (length(owner) <= 255);
CREATE INDEX test_cases_test_type ON test_cases (project_id, test_type, number) WHERE deleted_at IS NULL;
CREATE INDEX test_cases_execution_type ON test_cases (project_id, execution_type, number) WHERE deleted_at IS NULL;

-- A cycle is OneTest's run: by whom or what it is executed, and from when until when.
ALTER TABLE test_cycles ADD COLUMN run_type TEXT NOT NULL DEFAULT 'manual' CHECK (run_type IN ('manual', 'automated'));
ALTER TABLE test_cycles ADD COLUMN started_at BIGINT;
ALTER TABLE test_cycles ADD COLUMN ended_at BIGINT;

-- An execution that was started and is not executed yet is in progress. Steps and defects are JSON.
ALTER TABLE test_executions ADD COLUMN started_at BIGINT;
ALTER TABLE test_executions ADD COLUMN failure_reason TEXT NOT NULL DEFAULT '' CHECK (length(failure_reason) <= 30);
ALTER TABLE test_executions ADD COLUMN assigned_to UUID;
ALTER TABLE test_executions ADD COLUMN steps TEXT NOT NULL DEFAULT '[]' CHECK (length(steps) <= 500000);
ALTER TABLE test_executions ADD COLUMN defects TEXT NOT NULL DEFAULT '[]' CHECK (length(defects) <= 25000);
CREATE INDEX test_executions_assigned ON test_executions (assigned_to, id) WHERE assigned_to IS NOT NULL;

-- References are found in one spelling: file.py::Class::method is file.py:Class.method.
INSERT INTO test_case_refs (project_id, ref, number)
SELECT project_id, substr(ref, 1, strpos(ref, '::') - 1) || ':' || replace(substr(ref, strpos(ref, '::') + 2), '::', '.'), number FROM test_case_refs WHERE strpos(ref, '::') > 0
ON CONFLICT DO NOTHING;
DELETE FROM test_case_refs WHERE strpos(ref, '::') > 0;
