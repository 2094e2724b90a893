package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Environment is where a project is tested.
type Environment struct {
	ID, Project uuid.UUID
	Name        string
	Type        string // development, staging or production
	Usual       bool   // of which there is one
	Maker
	CreatedAt time.Time
}

// Build is a version that was built of a project.
type Build struct {
	ID, Project uuid.UUID
	Version     string
	Status      string // pending, active or archived
	Maker
	CreatedAt time.Time
}

// PersonIn is a user in a project.
type PersonIn struct {
	User
	Role     credential.ProjectRole
	JoinedAt time.Time
}

func (e *Environment) targets() []any {
	return append(append([]any{&e.ID, &e.Project, &e.Name, &e.Type, &e.Usual}, e.Maker.targets()...), instant{&e.CreatedAt})
}

func (b *Build) targets() []any {
	return append(append([]any{&b.ID, &b.Project, &b.Version, &b.Status}, b.Maker.targets()...), instant{&b.CreatedAt})
}

func (p *PersonIn) targets() []any { return append(p.User.targets(), &p.Role, instant{&p.JoinedAt}) }

// belonging is what belongs to projects: rows of tables, and in which order.
type belonging[T any] struct {
	noun, columns, tables, project, order string
	targets                               func(*T) []any
}

// page returns rows of a project, without so many of them, and how many there
// are: at most MostCounted are counted.
func (b belonging[T]) page(ctx context.Context, r reader, project uuid.UUID, p Page) (found []T, total int64, err error) {
	where := ` FROM ` + b.tables + ` WHERE ` + b.project + ` = $1`
	if err = r.q.QueryRowContext(ctx, fmt.Sprintf(counting, where, MostCounted), project).Scan(&total); err != nil {
		return nil, 0, r.fail("count "+b.noun, err)
	}
	found, err = list(ctx, r, selection[T]{"list " + b.noun, b.targets, `SELECT ` + b.columns + where + ` ORDER BY ` + b.order + ` LIMIT $2 OFFSET $3`}, project, p.Limit, p.Without)
	return found, total, err
}

// Page is a part of a list: so many items, without those before.
type Page struct{ Without, Limit int }

// The latest stand first, people in the order of their accounts.
var (
	environments = belonging[Environment]{"environments", `id, project_id, name, type, usual = 1, made_by, made_by_user, created_at`, `environments`, `project_id`, `id DESC`, (*Environment).targets}
	builds       = belonging[Build]{"builds", `id, project_id, version, status, made_by, made_by_user, created_at`, `builds`, `project_id`, `id DESC`, (*Build).targets}
	releases     = belonging[Release]{"releases", releaseColumns, `releases`, `project_id`, `number DESC`, (*Release).targets}
	projectFiles = belonging[artifactRow]{"files of a project", artifactColumns, artifactTables, `f.owner_id`, `f.number DESC`, (*artifactRow).targets}
	people       = belonging[PersonIn]{"members of a project", userColumns + `, pm.role, pm.created_at`, `project_members pm JOIN users u ON u.id = pm.user_id`, `pm.project_id`, `u.id`, (*PersonIn).targets}
)

// EnvironmentsOf returns environments of a project.
func (r reader) EnvironmentsOf(ctx context.Context, project uuid.UUID, p Page) ([]Environment, int64, error) {
	return environments.page(ctx, r, project, p)
}

// BuildsOf returns builds of a project.
func (r reader) BuildsOf(ctx context.Context, project uuid.UUID, p Page) ([]Build, int64, error) {
	return builds.page(ctx, r, project, p)
}

// ReleasesOf returns releases of a project.
func (r reader) ReleasesOf(ctx context.Context, project uuid.UUID, p Page) ([]Release, int64, error) {
	return releases.page(ctx, r, project, p)
}

// FilesOf returns the artifacts that belong to a project itself.
func (r reader) FilesOf(ctx context.Context, project uuid.UUID, p Page) ([]Artifact, int64, error) {
	rows, total, err := projectFiles.page(ctx, r, project, p)
	return artifactsOf(rows), total, err
}

// PeopleIn returns the members of a project.
func (r reader) PeopleIn(ctx context.Context, project uuid.UUID, p Page) ([]PersonIn, int64, error) {
	return people.page(ctx, r, project, p)
}

// named returns the row of a project in which a column has a value, or nil.
func (b belonging[T]) named(ctx context.Context, r reader, project uuid.UUID, condition, value string) (*T, error) {
	var row T
	err := r.q.QueryRowContext(ctx, `SELECT `+b.columns+` FROM `+b.tables+` WHERE `+b.project+` = $1 AND `+condition, project, value).Scan(b.targets(&row)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, r.fail("find "+b.noun, err)
	}
	return &row, nil
}

// EnvironmentNamed finds an environment of a project; nil for none.
func (r reader) EnvironmentNamed(ctx context.Context, project uuid.UUID, name string) (*Environment, error) {
	return environments.named(ctx, r, project, `name = $2`, name)
}

// BuildOf finds a build of a project by its version; nil for none.
func (r reader) BuildOf(ctx context.Context, project uuid.UUID, version string) (*Build, error) {
	return builds.named(ctx, r, project, `version = $2`, version)
}

// SaveEnvironment stores an environment, or what has become of it. One that is
// the usual one is that in place of any other.
func (t *Tx) SaveEnvironment(ctx context.Context, e *Environment) error {
	if e.Usual {
		if _, err := t.q.ExecContext(ctx, `UPDATE environments SET usual = 0 WHERE project_id = $1 AND usual = 1 AND id <> $2`, e.Project, e.ID); err != nil {
			return t.fail("change the usual environment", err)
		}
	}
	_, err := t.q.ExecContext(ctx, `INSERT INTO environments (id, project_id, name, type, usual, made_by, made_by_user, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET type = excluded.type, usual = excluded.usual`,
		e.ID, e.Project, e.Name, e.Type, flag(e.Usual), nullable(e.Credential), nullable(e.User), e.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an environment", err)
	}
	return nil
}

// SaveBuild stores a build, or what has become of it.
func (t *Tx) SaveBuild(ctx context.Context, b *Build) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO builds (id, project_id, version, status, made_by, made_by_user, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status`,
		b.ID, b.Project, b.Version, b.Status, nullable(b.Credential), nullable(b.User), b.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a build", err)
	}
	return nil
}

// SetReleaseStatus says what has become of a release.
func (t *Tx) SetReleaseStatus(ctx context.Context, id uuid.UUID, status string) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE releases SET status = $2 WHERE id = $1`, id, status); err != nil {
		return t.fail("change a release", err)
	}
	return nil
}
