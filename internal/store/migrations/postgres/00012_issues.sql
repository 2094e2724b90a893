-- +goose Up

-- What the members of a project read of it, and whether others may find it.
ALTER TABLE projects ADD COLUMN description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 10000);
ALTER TABLE projects ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public'));

-- A person whom a project's credential vouches for, and who never signs in. Of
-- one that was deleted nothing is left but the place that their work points to.
CREATE TABLE virtual_users (
    id         UUID    PRIMARY KEY,
    number     BIGINT NOT NULL UNIQUE,
    project_id UUID    NOT NULL REFERENCES projects (id),
    kind       TEXT    NOT NULL CHECK (kind IN ('email', 'discord')),
    value      TEXT    CHECK (length(value) BETWEEN 1 AND 254),
    made_by    UUID    REFERENCES credentials (id),
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK ((value IS NULL) = (deleted_at IS NOT NULL)),
    UNIQUE (project_id, kind, value)
);
CREATE INDEX virtual_users_list ON virtual_users (project_id, id);

CREATE TABLE releases (
    id         UUID    PRIMARY KEY,
    number     BIGINT NOT NULL,
    project_id UUID    NOT NULL REFERENCES projects (id),
    label      TEXT    NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    made_by    UUID    REFERENCES credentials (id),
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, label)
);

-- One store of bugs, feature requests and questions. Numbers go up with time
-- in each project.
CREATE TABLE issues (
    id          UUID    PRIMARY KEY,
    number      BIGINT NOT NULL,
    project_id  UUID    NOT NULL REFERENCES projects (id),
    category    TEXT    NOT NULL CHECK (category IN ('bug', 'feature_request', 'question')),
    status      TEXT    NOT NULL CHECK (status IN ('open', 'in_progress', 'needs_more_info', 'resolved', 'closed', 'wont_fix')),
    priority    TEXT    NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    title       TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description TEXT    NOT NULL CHECK (length(description) <= 20000),
    steps       TEXT    NOT NULL CHECK (length(steps) <= 10000),  -- one a line
    custom      TEXT    NOT NULL CHECK (length(custom) <= 20000), -- a JSON object
    source      TEXT    NOT NULL CHECK (length(source) <= 100),
    release_id  UUID    REFERENCES releases (id),
    assignee_id UUID    REFERENCES users (id),
    user_id     UUID    REFERENCES users (id),                    -- who reported it, or
    virtual_id  UUID    REFERENCES virtual_users (id),
    made_by     UUID    REFERENCES credentials (id),
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    resolved_at BIGINT,
    CHECK (user_id IS NULL OR virtual_id IS NULL),
    UNIQUE (project_id, number)
);
CREATE INDEX issues_category ON issues (project_id, category, number);
CREATE INDEX issues_status ON issues (project_id, status, number);
CREATE INDEX issues_priority ON issues (project_id, priority, number);
CREATE INDEX issues_created ON issues (project_id, created_at, number);
CREATE INDEX issues_updated ON issues (project_id, updated_at, number);

CREATE TABLE comments (
    id         UUID    PRIMARY KEY,
    number     BIGINT NOT NULL,
    project_id UUID    NOT NULL REFERENCES projects (id),
    issue_id   UUID    NOT NULL REFERENCES issues (id),
    body       TEXT    NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
    user_id    UUID    NOT NULL REFERENCES users (id),
    made_by    UUID    REFERENCES credentials (id),
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, number)
);
CREATE INDEX comments_issue ON comments (issue_id, number);

-- How much of a kind an address has made with a credential on a day (UTC, in
-- days since 1970).
CREATE TABLE creations (
    day           BIGINT NOT NULL,
    credential_id UUID    NOT NULL REFERENCES credentials (id),
    address       TEXT    NOT NULL CHECK (length(address) <= 64),
    kind          TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
    made          BIGINT NOT NULL CHECK (made BETWEEN 1 AND 1000000000),
    PRIMARY KEY (day, credential_id, address, kind)
);

-- What can be searched for by words: an item, in the scope in which it is found.
CREATE TABLE searchable (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id UUID    NOT NULL UNIQUE,
    scope   TEXT    NOT NULL CHECK (length(scope) BETWEEN 1 AND 64),
    words   TSVECTOR NOT NULL
);
CREATE INDEX searchable_words ON searchable USING GIN (words);
CREATE INDEX searchable_scope ON searchable (scope, id);
