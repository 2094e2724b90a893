-- +goose Up

-- Fields that people add to a test case, as a JSON object of texts.
ALTER TABLE test_cases ADD COLUMN custom TEXT NOT NULL DEFAULT '{}' CHECK (length(custom) <= 100000);
