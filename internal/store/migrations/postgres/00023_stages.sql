-- +goose Up

-- The stage of a feature request, which says more than its status; empty of
-- what is none.
ALTER TABLE issues ADD COLUMN stage TEXT NOT NULL DEFAULT ''
    CHECK (stage IN ('', 'pending', 'approved', 'in_progress', 'completed', 'rejected', 'duplicate'));
UPDATE issues SET stage = CASE status
    WHEN 'in_progress' THEN 'in_progress' WHEN 'resolved' THEN 'completed' WHEN 'wont_fix' THEN 'rejected' WHEN 'closed' THEN 'rejected' ELSE 'pending' END
    WHERE category = 'feature_request';
CREATE INDEX issues_stage ON issues (project_id, stage, number);
