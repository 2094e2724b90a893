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

// Artifact is a file that somebody uploaded. What is in it lies on the disk,
// under Sum.
type Artifact struct {
	ID        uuid.UUID
	Number    int64 // in its project
	Project   uuid.UUID
	Owner     ArtifactOwner
	Kind      string // among those of its owner
	Name      string // to be shown; never a path
	Type      string // a media type, by what is in it
	Size      int64
	Sum       [32]byte // SHA-256
	Private   bool     // not for everybody who sees its owner
	Detail    string   // what else its owner has to know of it: a JSON object
	By        Person
	MadeBy    uuid.UUID // the credential; Nil for none
	CreatedAt time.Time
}

// ArtifactOwner is what an artifact belongs to, such as an issue.
type ArtifactOwner struct {
	Noun string
	ID   uuid.UUID
}

const (
	artifactColumns = `f.id, f.number, f.project_id, f.noun, f.owner_id, f.kind, f.name, f.type, f.size, f.sha256, f.private, f.detail, f.made_by, f.created_at,
	u.id, u.number, u.name, v.id, v.number, v.value`
	artifactTables = `artifacts f LEFT JOIN users u ON u.id = f.user_id LEFT JOIN virtual_users v ON v.id = f.virtual_id`
	artifactQuery  = `SELECT ` + artifactColumns + ` FROM ` + artifactTables + ` WHERE `
)

// artifactRow is an artifact on its way out of the database.
type artifactRow struct {
	Artifact
	sum           []byte
	user, virtual personTarget
}

func (a *artifactRow) targets() []any {
	out := []any{&a.ID, &a.Number, &a.Project, &a.Owner.Noun, &a.Owner.ID, &a.Kind, &a.Name, &a.Type, &a.Size, &a.sum, &a.Private, &a.Detail, nullID{&a.MadeBy}, instant{&a.CreatedAt}}
	return append(append(out, a.user.targets()...), a.virtual.targets()...)
}

// artifact is what was scanned.
func (a *artifactRow) artifact() Artifact {
	copy(a.Sum[:], a.sum)
	if a.By = a.user.person(false); a.virtual.id.Valid {
		a.By = a.virtual.person(true)
	}
	return a.Artifact
}

// artifactsOf are those that were scanned.
func artifactsOf(rows []artifactRow) []Artifact {
	out := make([]Artifact, len(rows))
	for i := range rows {
		out[i] = rows[i].artifact()
	}
	return out
}

// InsertArtifact stores a new artifact and gives it its number.
func (t *Tx) InsertArtifact(ctx context.Context, a *Artifact) (err error) {
	if a.Number, err = t.next(ctx, a.Project.String(), "artifact"); err != nil {
		return err
	}
	user, virtual := a.By.columns()
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO artifacts (id, number, project_id, noun, owner_id, kind, name, type, size, sha256, private, detail, user_id, virtual_id, made_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		a.ID, a.Number, a.Project, a.Owner.Noun, a.Owner.ID, a.Kind, a.Name, a.Type, a.Size, a.Sum[:], a.Private, a.Detail,
		nullable(user), nullable(virtual), nullable(a.MadeBy), a.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an artifact", err)
	}
	return nil
}

// ArtifactByNumber finds an artifact of a project by its number.
func (r reader) ArtifactByNumber(ctx context.Context, project uuid.UUID, number int64) (*Artifact, error) {
	return r.artifact(ctx, `f.project_id = $1 AND f.number = $2`, project, number)
}

// ArtifactByID finds an artifact of any project.
func (r reader) ArtifactByID(ctx context.Context, id uuid.UUID) (*Artifact, error) {
	return r.artifact(ctx, `f.id = $1`, id)
}

func (r reader) artifact(ctx context.Context, where string, args ...any) (*Artifact, error) {
	var row artifactRow
	err := r.q.QueryRowContext(ctx, artifactQuery+where, args...).Scan(row.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such file")
	}
	if err != nil {
		return nil, r.fail("read an artifact", err)
	}
	a := row.artifact()
	return &a, nil
}

// Artifacts returns the artifacts of an owner with a number above after, in
// the order in which they came.
func (r reader) Artifacts(ctx context.Context, owner ArtifactOwner, after int64, limit int) ([]Artifact, error) {
	rows, err := list(ctx, r, selection[artifactRow]{"list artifacts", (*artifactRow).targets,
		artifactQuery + `f.owner_id = $1 AND f.number > $2 AND f.noun = $3 ORDER BY f.number LIMIT $4`}, owner.ID, after, owner.Noun, limit)
	return artifactsOf(rows), err
}

// CountArtifacts counts the artifacts of an owner, with those that wait.
func (r reader) CountArtifacts(ctx context.Context, owner uuid.UUID) (n int, err error) {
	if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM artifacts WHERE owner_id = $1`, owner).Scan(&n); err != nil {
		return 0, r.fail("count artifacts", err)
	}
	return n, nil
}

// OwnArtifact says what an artifact that waited belongs to, and its name.
func (t *Tx) OwnArtifact(ctx context.Context, a *Artifact) error {
	_, err := t.q.ExecContext(ctx, `UPDATE artifacts SET noun = $2, owner_id = $3, name = $4 WHERE id = $1`, a.ID, a.Owner.Noun, a.Owner.ID, a.Name)
	if err != nil {
		return t.fail("store an artifact", err)
	}
	return nil
}

// DeleteArtifact forgets an artifact. Its content is swept if it is no other's.
func (t *Tx) DeleteArtifact(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM artifacts WHERE id = $1`, id); err != nil {
		return t.fail("delete an artifact", err)
	}
	return nil
}

// NeededArtifacts returns those of some sums, at most a thousand, that an
// artifact has.
func (r reader) NeededArtifacts(ctx context.Context, sums [][32]byte) ([][32]byte, error) {
	args := make([]any, len(sums))
	for i := range sums {
		args[i] = sums[i][:]
	}
	found, err := list(ctx, r, selection[[]byte]{"look for artifacts", func(sum *[]byte) []any { return []any{sum} },
		fmt.Sprintf(`SELECT DISTINCT sha256 FROM artifacts WHERE sha256 IN %s`, rows(1, len(sums)))}, args...)
	out := make([][32]byte, 0, len(found))
	for _, sum := range found {
		out = append(out, [32]byte(sum))
	}
	return out, err
}
