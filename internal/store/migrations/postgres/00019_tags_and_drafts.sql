-- +goose Up

-- An issue that isn't reported yet: its number is given out, and the rest is
-- kept as one JSON object until it is published or forgotten.
CREATE TABLE issue_drafts (
    id         UUID    PRIMARY KEY,
    number     BIGINT  NOT NULL,
    project_id UUID    NOT NULL REFERENCES projects (id),
    content    TEXT    NOT NULL CHECK (length(content) <= 200000),
    made_by    UUID    REFERENCES credentials (id),
    created_at BIGINT  NOT NULL,
    UNIQUE (project_id, number)
);
CREATE INDEX issue_drafts_created ON issue_drafts (created_at);

-- What issues of a project are sorted by. One below another has a parent.
CREATE TABLE issue_tags (
    id          UUID    PRIMARY KEY,
    number      BIGINT  NOT NULL,
    project_id  UUID    NOT NULL REFERENCES projects (id),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    color       TEXT    NOT NULL CHECK (length(color) = 7),
    description TEXT    NOT NULL CHECK (length(description) <= 1000),
    parent_id   UUID    REFERENCES issue_tags (id),
    made_by     UUID    REFERENCES credentials (id),
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, name)
);
CREATE INDEX issue_tags_parent ON issue_tags (parent_id);

-- The tags of an issue.
CREATE TABLE issue_tagged (
    tag_id       UUID    NOT NULL REFERENCES issue_tags (id),
    issue_number BIGINT  NOT NULL,
    issue_id     UUID    NOT NULL REFERENCES issues (id),
    PRIMARY KEY (tag_id, issue_number)
);
CREATE INDEX issue_tagged_issue ON issue_tagged (issue_id);

-- A field that a project adds to its issues.
CREATE TABLE custom_fields (
    id              UUID    PRIMARY KEY,
    number          BIGINT  NOT NULL,
    project_id      UUID    NOT NULL REFERENCES projects (id),
    applies_to      TEXT    NOT NULL CHECK (applies_to IN ('issue', 'feature_request')),
    ident           TEXT    NOT NULL CHECK (length(ident) BETWEEN 1 AND 100),
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    field_type      TEXT    NOT NULL CHECK (field_type IN ('text', 'number', 'boolean', 'select')),
    required        BOOLEAN NOT NULL,
    tester_settable BOOLEAN NOT NULL,
    tester_viewable BOOLEAN NOT NULL,
    options         TEXT    NOT NULL CHECK (length(options) <= 20000), -- a JSON array
    made_by         UUID    REFERENCES credentials (id),
    created_at      BIGINT  NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, applies_to, ident)
);

-- Artifacts that wait until it is said what they belong to.
CREATE INDEX artifacts_waiting ON artifacts (created_at) WHERE noun = 'upload';
