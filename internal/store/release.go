package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Release is a version of what a project makes.
type Release struct {
	ID        uuid.UUID
	Number    int64 // in its project
	Project   uuid.UUID
	Label     string
	Status    string // planned, active or released
	MadeBy    uuid.UUID
	CreatedAt time.Time
}

const releaseColumns = `id, number, project_id, label, status, created_at`

func (r *Release) targets() []any {
	return []any{&r.ID, &r.Number, &r.Project, &r.Label, &r.Status, instant{&r.CreatedAt}}
}

// InsertRelease stores a new release and gives it its number.
func (t *Tx) InsertRelease(ctx context.Context, r *Release) (err error) {
	if r.Number, err = t.next(ctx, r.Project.String(), "release"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `INSERT INTO releases (id, number, project_id, label, status, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, r.Number, r.Project, r.Label, r.Status, nullable(r.MadeBy), r.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a release", err)
	}
	return nil
}

// Release finds a release of a project by its number.
func (r reader) Release(ctx context.Context, project uuid.UUID, number int64) (*Release, error) {
	return r.release(ctx, `number = $2`, project, number)
}

// ReleaseLabelled finds a release of a project by its label.
func (r reader) ReleaseLabelled(ctx context.Context, project uuid.UUID, label string) (*Release, error) {
	return r.release(ctx, `label = $2`, project, label)
}

func (r reader) release(ctx context.Context, where string, args ...any) (*Release, error) {
	var out Release
	err := r.q.QueryRowContext(ctx, `SELECT `+releaseColumns+` FROM releases WHERE project_id = $1 AND `+where, args...).Scan(out.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such release")
	}
	if err != nil {
		return nil, r.fail("read a release", err)
	}
	return &out, nil
}

// Releases returns the latest releases of a project, the newest first.
func (r reader) Releases(ctx context.Context, project uuid.UUID, limit int) ([]Release, error) {
	return list(ctx, r, selection[Release]{"list releases", (*Release).targets,
		`SELECT ` + releaseColumns + ` FROM releases WHERE project_id = $1 ORDER BY number DESC LIMIT $2`}, project, limit)
}
