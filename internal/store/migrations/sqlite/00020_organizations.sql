-- +goose Up

-- What is said of an organization. One that was deleted has no slug any more.
ALTER TABLE organizations ADD COLUMN slug TEXT CHECK (length(slug) BETWEEN 3 AND 50);
ALTER TABLE organizations ADD COLUMN description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= 500);
ALTER TABLE organizations ADD COLUMN logo_url TEXT NOT NULL DEFAULT '' CHECK (length(logo_url) <= 2048);
ALTER TABLE organizations ADD COLUMN settings TEXT NOT NULL DEFAULT '{}' CHECK (length(settings) <= 20000); -- a JSON object
ALTER TABLE organizations ADD COLUMN created_by TEXT REFERENCES users (id); -- NULL: the operator
ALTER TABLE organizations ADD COLUMN updated_at INTEGER;
ALTER TABLE organizations ADD COLUMN deleted_at INTEGER;
UPDATE organizations SET slug = 'org-' || number;
CREATE UNIQUE INDEX organizations_slug ON organizations (slug);
