-- +goose Up

-- An issue that isn't reported yet: its number is given out, and the rest is
-- kept as one JSON object until it is published or forgotten.
CREATE TABLE issue_drafts (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number     INTEGER NOT NULL,
    project_id TEXT    NOT NULL REFERENCES projects (id),
    content    TEXT    NOT NULL CHECK (length(content) <= 200000),
    made_by    TEXT    REFERENCES credentials (id),
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, number)
) STRICT;
CREATE INDEX issue_drafts_created ON issue_drafts (created_at);

-- What issues of a project are sorted by. One below another has a parent.
CREATE TABLE issue_tags (
    id          TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number      INTEGER NOT NULL,
    project_id  TEXT    NOT NULL REFERENCES projects (id),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    color       TEXT    NOT NULL CHECK (length(color) = 7),
    description TEXT    NOT NULL CHECK (length(description) <= 1000),
    parent_id   TEXT    REFERENCES issue_tags (id),
    made_by     TEXT    REFERENCES credentials (id),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, name)
) STRICT;
CREATE INDEX issue_tags_parent ON issue_tags (parent_id);

-- The tags of an issue.
CREATE TABLE issue_tagged (
    tag_id       TEXT    NOT NULL REFERENCES issue_tags (id),
    issue_number INTEGER NOT NULL,
    issue_id     TEXT    NOT NULL REFERENCES issues (id),
    PRIMARY KEY (tag_id, issue_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_tagged_issue ON issue_tagged (issue_id);

-- A field that a project adds to its issues.
CREATE TABLE custom_fields (
    id              TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number          INTEGER NOT NULL,
    project_id      TEXT    NOT NULL REFERENCES projects (id),
    applies_to      TEXT    NOT NULL CHECK (applies_to IN ('issue', 'feature_request')),
    ident           TEXT    NOT NULL CHECK (length(ident) BETWEEN 1 AND 100),
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    field_type      TEXT    NOT NULL CHECK (field_type IN ('text', 'number', 'boolean', 'select')),
    required        INTEGER NOT NULL CHECK (required IN (0, 1)),
    tester_settable INTEGER NOT NULL CHECK (tester_settable IN (0, 1)),
    tester_viewable INTEGER NOT NULL CHECK (tester_viewable IN (0, 1)),
    options         TEXT    NOT NULL CHECK (length(options) <= 20000), -- a JSON array
    made_by         TEXT    REFERENCES credentials (id),
    created_at      INTEGER NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, applies_to, ident)
) STRICT;

-- Artifacts that wait until it is said what they belong to.
CREATE INDEX artifacts_waiting ON artifacts (created_at) WHERE noun = 'upload';
