package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// PlacesOfLaunch bounds how many items a launch has, and how many logs: the
// number of one is that of its launch times this, and its place in it.
const PlacesOfLaunch = 1_000_000

// Launch is a run of tests as an agent reports it while it goes on.
type Launch struct {
	ID, Project                uuid.UUID
	Number                     int64 // in its project
	Name, Description          string
	Attributes                 string // a JSON array
	Mode, Status               string
	Counts                     LaunchCounts // as it was finished
	Items, Logs, Files, Reruns int64
	MergedInto, Run            uuid.UUID // Nil for none
	Request                    []byte    // a hash of the call that started it
	Maker
	StartedAt, EndedAt, CreatedAt time.Time
}

// LaunchCounts say how the tests of a launch went. What is left of the total
// goes on.
type LaunchCounts struct{ Total, Passed, Failed, Skipped int64 }

const launchColumns = `l.id, l.project_id, l.number, l.name, l.description, l.attributes, l.mode, l.status, l.total, l.passed, l.failed, l.skipped,
	l.items, l.logs, l.files, l.reruns, l.merged_into, l.run_id, l.request, l.made_by, l.made_by_user, l.started_at, l.ended_at, l.created_at`

func (l *Launch) targets() []any {
	c := &l.Counts
	out := []any{&l.ID, &l.Project, &l.Number, &l.Name, &l.Description, &l.Attributes, &l.Mode, &l.Status, &c.Total, &c.Passed, &c.Failed, &c.Skipped,
		&l.Items, &l.Logs, &l.Files, &l.Reruns, nullID{&l.MergedInto}, nullID{&l.Run}, &l.Request}
	return append(append(out, l.Maker.targets()...), instant{&l.StartedAt}, instant{&l.EndedAt}, instant{&l.CreatedAt})
}

// InsertLaunch stores a new launch and gives it its number.
func (t *Tx) InsertLaunch(ctx context.Context, l *Launch) (err error) {
	if l.Number, err = t.next(ctx, l.Project.String(), "launch"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO launches (id, project_id, number, name, description, attributes, mode, status, total, passed, failed, skipped, items, logs, files, reruns,
			merged_into, run_id, request, made_by, made_by_user, started_at, ended_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, NULL, $17, $18, $19, $20, $21, $22, $23)`,
		l.ID, l.Project, l.Number, l.Name, l.Description, l.Attributes, l.Mode, l.Status, l.Counts.Total, l.Counts.Passed, l.Counts.Failed, l.Counts.Skipped,
		l.Items, l.Logs, l.Files, l.Reruns, nullable(l.Run), l.Request, nullable(l.Credential), nullable(l.User), l.StartedAt.UnixMilli(), stamp(l.EndedAt), l.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a launch", err)
	}
	return nil
}

// SaveLaunch stores what may change of a launch, which the caller holds.
func (t *Tx) SaveLaunch(ctx context.Context, l *Launch) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE launches SET description = $2, attributes = $3, mode = $4, status = $5, total = $6, passed = $7, failed = $8, skipped = $9,
			reruns = $10, run_id = $11, ended_at = $12 WHERE id = $1`,
		l.ID, l.Description, l.Attributes, l.Mode, l.Status, l.Counts.Total, l.Counts.Passed, l.Counts.Failed, l.Counts.Skipped, l.Reruns, nullable(l.Run), stamp(l.EndedAt))
	if err != nil {
		return t.fail("change a launch", err)
	}
	return nil
}

// TallyLaunch stores how much a launch holds, which the caller holds.
func (t *Tx) TallyLaunch(ctx context.Context, l *Launch) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE launches SET items = $2, logs = $3, files = $4 WHERE id = $1`, l.ID, l.Items, l.Logs, l.Files); err != nil {
		return t.fail("count what a launch holds", err)
	}
	return nil
}

// byLaunchID chooses a launch of a project by its id, or the one that it was
// merged into.
const byLaunchID = `l.project_id = $1 AND l.id = COALESCE((SELECT m.merged_into FROM launches m WHERE m.project_id = $1 AND m.id = $2), $2)`

// LaunchIn finds a launch of a project by its id. One that was merged into
// another is that.
func (r reader) LaunchIn(ctx context.Context, project, id uuid.UUID) (*Launch, error) {
	return r.launch(ctx, byLaunchID, project, id)
}

// HoldLaunch is LaunchIn, and keeps others from changing the launch until the
// transaction ends.
func (t *Tx) HoldLaunch(ctx context.Context, project, id uuid.UUID) (*Launch, error) {
	l, err := t.launch(ctx, byLaunchID+t.hold, project, id)
	if err == nil && l.MergedInto != uuid.Nil { // while this waited for it
		l, err = t.launch(ctx, byLaunchID+t.hold, project, l.ID)
	}
	return l, err
}

// LaunchByID finds a launch of any project, also one that was merged.
func (r reader) LaunchByID(ctx context.Context, id uuid.UUID) (*Launch, error) {
	return r.launch(ctx, `l.id = $1`, id)
}

// LaunchByNumber finds a launch of a project by its number.
func (r reader) LaunchByNumber(ctx context.Context, project uuid.UUID, number int64) (*Launch, error) {
	return r.launch(ctx, `l.project_id = $1 AND l.number = $2 AND l.merged_into IS NULL`, project, number)
}

// LatestLaunch finds the latest launch of a project that has a name.
func (r reader) LatestLaunch(ctx context.Context, project uuid.UUID, name string) (*Launch, error) {
	return r.launch(ctx, `l.project_id = $1 AND l.name = $2 AND l.merged_into IS NULL ORDER BY l.number DESC LIMIT 1`, project, name)
}

func (r reader) launch(ctx context.Context, where string, args ...any) (*Launch, error) {
	var l Launch
	err := r.q.QueryRowContext(ctx, `SELECT `+launchColumns+` FROM launches l WHERE `+where, args...).Scan(l.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such launch")
	}
	if err != nil {
		return nil, r.fail("read a launch", err)
	}
	return &l, nil
}

// LaunchFilter chooses launches of a project. What is empty leaves nothing out.
type LaunchFilter struct {
	Project            uuid.UUID
	Mode, Name, Status string
	IDs                []uuid.UUID
}

// Launches returns a page of the launches that a filter chooses, the latest
// first, and how many there are, up to MostCounted.
func (r reader) Launches(ctx context.Context, f LaunchFilter, p Page) ([]Launch, int64, error) {
	w := conditions{args: []any{f.Project}}
	w.text.WriteString(` FROM launches l WHERE l.project_id = $1 AND l.merged_into IS NULL`)
	for condition, value := range map[string]string{`l.mode = $`: f.Mode, `l.name = $`: f.Name, `l.status = $`: f.Status} {
		if value != "" {
			w.and(condition, value)
		}
	}
	if f.IDs != nil {
		among(&w, "l.id", f.IDs)
	}
	return counted(ctx, r, selection[Launch]{"list launches", (*Launch).targets, `SELECT ` + launchColumns + w.text.String() + ` ORDER BY l.number DESC`}, w.args, p)
}

// counted returns a page of what a query finds, and how many there are, up to
// MostCounted.
func counted[T any](ctx context.Context, r reader, s selection[T], args []any, p Page) (found []T, total int64, err error) {
	_, from, _ := strings.Cut(s.query, " FROM ")
	from, _, _ = strings.Cut(from, " ORDER BY ")
	if err = r.q.QueryRowContext(ctx, fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM %s LIMIT %d) AS found`, from, MostCounted), args...).Scan(&total); err != nil {
		return nil, 0, r.fail(s.op, err)
	}
	s.query += fmt.Sprintf(` LIMIT $%d OFFSET $%d`, len(args)+1, len(args)+2)
	found, err = list(ctx, r, s, append(args, p.Limit, p.Without)...)
	return found, total, err
}

// MergeLaunch moves all that a launch holds to another, which it is from then on.
func (t *Tx) MergeLaunch(ctx context.Context, from, into uuid.UUID) error {
	for _, statement := range []string{
		`UPDATE launch_items SET launch_id = $2 WHERE launch_id = $1`,
		`UPDATE launch_logs SET launch_id = $2 WHERE launch_id = $1`,
		`UPDATE launches SET merged_into = $2 WHERE id = $1 OR merged_into = $1`,
	} {
		if _, err := t.q.ExecContext(ctx, statement, from, into); err != nil {
			return t.fail("merge a launch", err)
		}
	}
	return nil
}
