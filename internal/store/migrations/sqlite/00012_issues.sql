-- +goose Up

-- What the members of a project read of it, and whether others may find it.
ALTER TABLE projects ADD COLUMN description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 10000);
ALTER TABLE projects ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public'));

-- A person whom a project's credential vouches for, and who never signs in. Of
-- one that was deleted nothing is left but the place that their work points to.
CREATE TABLE virtual_users (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number     INTEGER NOT NULL UNIQUE,
    project_id TEXT    NOT NULL REFERENCES projects (id),
    kind       TEXT    NOT NULL CHECK (kind IN ('email', 'discord')),
    value      TEXT    CHECK (length(value) BETWEEN 1 AND 254),
    made_by    TEXT    REFERENCES credentials (id),
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CHECK ((value IS NULL) = (deleted_at IS NOT NULL)),
    UNIQUE (project_id, kind, value)
) STRICT;
CREATE INDEX virtual_users_list ON virtual_users (project_id, id);

CREATE TABLE releases (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number     INTEGER NOT NULL,
    project_id TEXT    NOT NULL REFERENCES projects (id),
    label      TEXT    NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    made_by    TEXT    REFERENCES credentials (id),
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, label)
) STRICT;

-- One store of bugs, feature requests and questions. Numbers go up with time
-- in each project.
CREATE TABLE issues (
    id          TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number      INTEGER NOT NULL,
    project_id  TEXT    NOT NULL REFERENCES projects (id),
    category    TEXT    NOT NULL CHECK (category IN ('bug', 'feature_request', 'question')),
    status      TEXT    NOT NULL CHECK (status IN ('open', 'in_progress', 'needs_more_info', 'resolved', 'closed', 'wont_fix')),
    priority    TEXT    NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'critical')),
    title       TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description TEXT    NOT NULL CHECK (length(description) <= 20000),
    steps       TEXT    NOT NULL CHECK (length(steps) <= 10000),  -- one a line
    custom      TEXT    NOT NULL CHECK (length(custom) <= 20000), -- a JSON object
    source      TEXT    NOT NULL CHECK (length(source) <= 100),
    release_id  TEXT    REFERENCES releases (id),
    assignee_id TEXT    REFERENCES users (id),
    user_id     TEXT    REFERENCES users (id),                    -- who reported it, or
    virtual_id  TEXT    REFERENCES virtual_users (id),
    made_by     TEXT    REFERENCES credentials (id),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    resolved_at INTEGER,
    CHECK (user_id IS NULL OR virtual_id IS NULL),
    UNIQUE (project_id, number)
) STRICT;
CREATE INDEX issues_category ON issues (project_id, category, number);
CREATE INDEX issues_status ON issues (project_id, status, number);
CREATE INDEX issues_priority ON issues (project_id, priority, number);
CREATE INDEX issues_created ON issues (project_id, created_at, number);
CREATE INDEX issues_updated ON issues (project_id, updated_at, number);

CREATE TABLE comments (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 36),
    number     INTEGER NOT NULL,
    project_id TEXT    NOT NULL REFERENCES projects (id),
    issue_id   TEXT    NOT NULL REFERENCES issues (id),
    body       TEXT    NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
    user_id    TEXT    NOT NULL REFERENCES users (id),
    made_by    TEXT    REFERENCES credentials (id),
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, number)
) STRICT;
CREATE INDEX comments_issue ON comments (issue_id, number);

-- How much of a kind an address has made with a credential on a day (UTC, in
-- days since 1970).
CREATE TABLE creations (
    day           INTEGER NOT NULL,
    credential_id TEXT    NOT NULL REFERENCES credentials (id),
    address       TEXT    NOT NULL CHECK (length(address) <= 64),
    kind          TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
    made          INTEGER NOT NULL CHECK (made BETWEEN 1 AND 1000000000),
    PRIMARY KEY (day, credential_id, address, kind)
) STRICT, WITHOUT ROWID;

-- What can be searched for by words: an item, in the scope in which it is found.
CREATE TABLE searchable (
    id      INTEGER PRIMARY KEY,
    item_id TEXT    NOT NULL UNIQUE CHECK (length(item_id) = 36),
    scope   TEXT    NOT NULL CHECK (length(scope) BETWEEN 1 AND 64)
) STRICT;
CREATE VIRTUAL TABLE search_words USING fts5 (scope, words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0');
