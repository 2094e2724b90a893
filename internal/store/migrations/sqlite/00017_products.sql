-- +goose Up

-- What a project makes is a product of some type to OneTest.
ALTER TABLE projects ADD COLUMN product_type TEXT NOT NULL DEFAULT 'webapp' CHECK (product_type IN ('webapp', 'api', 'mobile'));

-- Where a project is tested. One of them is the usual one.
CREATE TABLE environments (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    project_id   TEXT NOT NULL REFERENCES projects (id),
    name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    type         TEXT NOT NULL CHECK (type IN ('development', 'staging', 'production')),
    usual        INTEGER NOT NULL CHECK (usual IN (0, 1)),
    made_by      TEXT CHECK (length(made_by) = 36),
    made_by_user TEXT CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;
CREATE INDEX environments_project ON environments (project_id, id);
CREATE UNIQUE INDEX environments_usual ON environments (project_id) WHERE usual = 1;

-- What was built of a project, by version.
CREATE TABLE builds (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    project_id   TEXT NOT NULL REFERENCES projects (id),
    version      TEXT NOT NULL CHECK (length(version) BETWEEN 1 AND 100),
    status       TEXT NOT NULL CHECK (status IN ('pending', 'active', 'archived')),
    made_by      TEXT CHECK (length(made_by) = 36),
    made_by_user TEXT CHECK (length(made_by_user) = 36),
    created_at   INTEGER NOT NULL,
    UNIQUE (project_id, version)
) STRICT;
CREATE INDEX builds_project ON builds (project_id, id);

-- A release that a report names has been released.
ALTER TABLE releases ADD COLUMN status TEXT NOT NULL DEFAULT 'released' CHECK (status IN ('planned', 'active', 'released'));
