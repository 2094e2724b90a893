package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// RunUpload is a part of a run that comes in batches.
type RunUpload struct {
	Run         uuid.UUID
	Name        string
	Digest      []byte // of what it holds, by which a repeat is known
	Batches     int
	Stored      int // how many of them are stored
	SuiteErrors int64
	Files       []RunUploadFile
	CreatedAt   time.Time
}

// RunUploadFile is a file that results were read from.
type RunUploadFile struct {
	Name     string   `json:"name"`
	Format   string   `json:"format"`
	Bytes    int64    `json:"bytes"`
	Warnings []string `json:"warnings,omitempty"`
}

// Complete reports whether all batches are stored.
func (u *RunUpload) Complete() bool { return u.Stored == u.Batches }

const uploadColumns = `name, digest, batches, stored, suite_errors, files, run_id, created_at`

func (u *RunUpload) targets() []any {
	return []any{&u.Name, &u.Digest, &u.Batches, &u.Stored, &u.SuiteErrors, inJSON{&u.Files}, &u.Run, instant{&u.CreatedAt}}
}

// InsertRunUpload stores what an upload to a run will hold.
func (t *Tx) InsertRunUpload(ctx context.Context, u *RunUpload) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO run_uploads (`+uploadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		u.Name, u.Digest, u.Batches, u.Stored, u.SuiteErrors, asJSON(u.Files), u.Run, u.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an upload to a test run", err)
	}
	return nil
}

// RunUpload finds an upload to a run by its name.
func (r reader) RunUpload(ctx context.Context, run uuid.UUID, name string) (*RunUpload, error) {
	var u RunUpload
	err := r.q.QueryRowContext(ctx, `SELECT `+uploadColumns+` FROM run_uploads WHERE run_id = $1 AND name = $2`, run, name).Scan(u.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such upload; say first what it holds")
	}
	if err != nil {
		return nil, r.fail("read an upload to a test run", err)
	}
	return &u, nil
}

// RunUploads returns the uploads to a run by their names.
func (r reader) RunUploads(ctx context.Context, run uuid.UUID, limit int) ([]RunUpload, error) {
	return list(ctx, r, selection[RunUpload]{"list uploads to a test run", (*RunUpload).targets,
		`SELECT ` + uploadColumns + ` FROM run_uploads WHERE run_id = $1 ORDER BY name LIMIT $2`}, run, limit)
}

// CountRunUploads counts the uploads to a run, and those that are complete.
func (r reader) CountRunUploads(ctx context.Context, run uuid.UUID) (all, complete int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN stored = batches THEN 1 END) FROM run_uploads WHERE run_id = $1`, run).Scan(&all, &complete)
	if err != nil {
		return 0, 0, r.fail("count uploads to a test run", err)
	}
	return all, complete, nil
}

// StoredBatches returns the numbers of the batches of an upload that are stored,
// in their order.
func (r reader) StoredBatches(ctx context.Context, u *RunUpload) ([]int, error) {
	targets := func(n *int) []any { return []any{n} }
	return list(ctx, r, selection[int]{"list batches", targets, `SELECT number FROM upload_batches WHERE run_id = $1 AND upload = $2 ORDER BY number`}, u.Run, u.Name)
}

// BatchHash is the hash of a batch of an upload, or nil where it isn't stored.
func (r reader) BatchHash(ctx context.Context, u *RunUpload, number int) (hash []byte, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT hash FROM upload_batches WHERE run_id = $1 AND upload = $2 AND number = $3`, u.Run, u.Name, number).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, r.fail("read a batch", err)
	}
	return hash, nil
}

// InsertBatch notes that a batch of an upload is stored.
func (t *Tx) InsertBatch(ctx context.Context, u *RunUpload, number int, hash []byte, at time.Time) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO upload_batches (run_id, upload, number, hash, stored_at) VALUES ($1, $2, $3, $4, $5)`, u.Run, u.Name, number, hash, at.UnixMilli())
	if err == nil {
		_, err = t.q.ExecContext(ctx, `UPDATE run_uploads SET stored = stored + 1 WHERE run_id = $1 AND name = $2`, u.Run, u.Name)
	}
	if err != nil {
		return t.fail("store a batch", err)
	}
	u.Stored++
	return nil
}
