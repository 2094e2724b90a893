package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// LaunchItem is a suite, a test or a step of a launch.
type LaunchItem struct {
	ID, Project, Launch, Parent               uuid.UUID // Parent is Nil at the root
	Number                                    int64     // in its project
	Type, Name, CodeRef, TestCaseID, UniqueID string
	Identity                                  []byte // the same for each attempt of a test: 16 bytes
	Attributes, Parameters                    string // JSON arrays
	Description, Issue                        string
	HasStats                                  bool
	Attempt, Rerun                            int64     // from 1 on; in which rerun of the launch it was started
	SupersededBy                              uuid.UUID // the next attempt; Nil for none
	Said, Status                              string    // what the agent says, empty for nothing; what it is
	Reported                                  bool      // it is in the results of the project
	Request                                   []byte    // a hash of the call that started it
	StartedAt, EndedAt                        time.Time
}

const itemColumns = `i.id, i.project_id, i.launch_id, i.parent_id, i.number, i.type, i.name, i.code_ref, i.test_case_id, i.unique_id, i.identity,
	i.attributes, i.parameters, i.description, i.issue, i.has_stats, i.attempt, i.rerun, i.superseded_by, i.said, i.status, i.reported, i.request, i.started_at, i.ended_at`

func (i *LaunchItem) targets() []any {
	return []any{&i.ID, &i.Project, &i.Launch, nullID{&i.Parent}, &i.Number, &i.Type, &i.Name, &i.CodeRef, &i.TestCaseID, &i.UniqueID, &i.Identity,
		&i.Attributes, &i.Parameters, &i.Description, &i.Issue, &i.HasStats, &i.Attempt, &i.Rerun, nullID{&i.SupersededBy}, &i.Said, &i.Status, &i.Reported, &i.Request,
		instant{&i.StartedAt}, instant{&i.EndedAt}}
}

// InsertLaunchItems stores new items, which have their numbers.
func (t *Tx) InsertLaunchItems(ctx context.Context, items []LaunchItem) error {
	rows := inserts{t: t, op: "store an item of a launch", columns: 25, into: `launch_items (id, project_id, launch_id, parent_id, number, type, name, code_ref, test_case_id,
		unique_id, identity, attributes, parameters, description, issue, has_stats, attempt, rerun, superseded_by, said, status, reported, request, started_at, ended_at)`}
	for n := range items {
		i := &items[n]
		err := rows.add(ctx, i.ID, i.Project, i.Launch, nullable(i.Parent), i.Number, i.Type, i.Name, i.CodeRef, i.TestCaseID, i.UniqueID, i.Identity, i.Attributes, i.Parameters,
			i.Description, i.Issue, i.HasStats, i.Attempt, i.Rerun, nullable(i.SupersededBy), i.Said, i.Status, i.Reported, i.Request, i.StartedAt.UnixMilli(), stamp(i.EndedAt))
		if err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// SaveLaunchItem stores what may change of an item.
func (t *Tx) SaveLaunchItem(ctx context.Context, i *LaunchItem) error {
	_, err := t.q.ExecContext(ctx, `
		UPDATE launch_items SET test_case_id = $2, attributes = $3, description = $4, issue = $5, rerun = $6, superseded_by = $7, said = $8, status = $9, ended_at = $10,
			started_at = $11, parent_id = $12 WHERE id = $1`,
		i.ID, i.TestCaseID, i.Attributes, i.Description, i.Issue, i.Rerun, nullable(i.SupersededBy), i.Said, i.Status, stamp(i.EndedAt), i.StartedAt.UnixMilli(), nullable(i.Parent))
	if err != nil {
		return t.fail("change an item of a launch", err)
	}
	return nil
}

// LaunchItemIn finds an item of a project by its id.
func (r reader) LaunchItemIn(ctx context.Context, project, id uuid.UUID) (*LaunchItem, error) {
	return r.launchItem(ctx, `i.project_id = $1 AND i.id = $2`, project, id)
}

// LaunchItemByID finds an item of any project.
func (r reader) LaunchItemByID(ctx context.Context, id uuid.UUID) (*LaunchItem, error) {
	return r.launchItem(ctx, `i.id = $1`, id)
}

// LaunchItemByNumber finds an item of a project by its number.
func (r reader) LaunchItemByNumber(ctx context.Context, project uuid.UUID, number int64) (*LaunchItem, error) {
	return r.launchItem(ctx, `i.project_id = $1 AND i.number = $2`, project, number)
}

// LastAttempt finds the latest attempt of what a new item is another of: in its
// launch, under its parent.
func (t *Tx) LastAttempt(ctx context.Context, of *LaunchItem) (*LaunchItem, error) {
	under, args := `i.parent_id IS NULL`, []any{of.Launch, of.Identity}
	if of.Parent != uuid.Nil {
		under, args = `i.parent_id = $3`, append(args, of.Parent)
	}
	return t.launchItem(ctx, `i.launch_id = $1 AND i.identity = $2 AND i.superseded_by IS NULL AND `+under+` ORDER BY i.number DESC LIMIT 1`, args...)
}

func (r reader) launchItem(ctx context.Context, where string, args ...any) (*LaunchItem, error) {
	var i LaunchItem
	err := r.q.QueryRowContext(ctx, `SELECT `+itemColumns+` FROM launch_items i WHERE `+where, args...).Scan(i.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such item")
	}
	if err != nil {
		return nil, r.fail("read an item of a launch", err)
	}
	return &i, nil
}

// belowRow is a status of some that are below an item.
type belowRow struct {
	status   string
	hasStats bool
}

// ItemsBelow returns the statuses of what is right below an item: of what counts
// in statistics, and else of its parts.
func (r reader) ItemsBelow(ctx context.Context, id uuid.UUID) (statuses []string, err error) {
	rows, err := list(ctx, r, selection[belowRow]{"list what is below an item", func(b *belowRow) []any { return []any{&b.status, &b.hasStats} },
		`SELECT DISTINCT i.status, i.has_stats FROM launch_items i WHERE i.parent_id = $1 AND i.superseded_by IS NULL`}, id)
	counts := slices.ContainsFunc(rows, func(b belowRow) bool { return b.hasStats })
	for _, row := range rows {
		if row.hasStats == counts {
			statuses = append(statuses, row.status)
		}
	}
	return statuses, err
}

// HasItems reports which of some items have others below them.
func (r reader) HasItems(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	out := map[uuid.UUID]bool{}
	err := r.inParts(ids, func(part named) error {
		found, err := list(ctx, r, selection[uuid.UUID]{"look for what is below items", idTarget,
			`SELECT DISTINCT i.parent_id FROM launch_items i WHERE i.parent_id IN (` + part.list + `)`}, part.args...)
		for _, id := range found {
			out[id] = true
		}
		return err
	})
	return out, err
}

// ItemFilter chooses items of a project. What is empty leaves nothing out.
type ItemFilter struct {
	Project, Launch, Parent uuid.UUID
	Status, Type            string
}

// LaunchItems returns a page of the items that a filter chooses in the order in
// which they were started, and how many there are, up to MostCounted.
func (r reader) LaunchItems(ctx context.Context, f ItemFilter, p Page) ([]LaunchItem, int64, error) {
	w := conditions{args: []any{f.Project}}
	w.text.WriteString(` FROM launch_items i WHERE i.project_id = $1`)
	if f.Launch != uuid.Nil {
		w.and(`i.launch_id = $`, f.Launch)
	}
	if f.Parent != uuid.Nil {
		w.and(`i.parent_id = $`, f.Parent)
	}
	if f.Status != "" {
		w.and(`i.status = $`, f.Status)
	}
	if f.Type != "" {
		w.and(`i.type = $`, f.Type)
	}
	return counted(ctx, r, selection[LaunchItem]{"list items of a launch", (*LaunchItem).targets, `SELECT ` + itemColumns + w.text.String() + ` ORDER BY i.number`}, w.args, p)
}

// bareColumns are what decides how an item went; of its description, the part
// that says why.
const bareColumns = `i.id, i.parent_id, i.number, i.type, i.name, i.code_ref, i.test_case_id, i.identity, i.has_stats, i.attempt, i.superseded_by, i.said, i.status, i.reported,
	i.started_at, i.ended_at, CASE WHEN i.said = 'failed' OR i.said = 'interrupted' THEN substr(i.description, 1, 6000) ELSE '' END`

// BareItems returns all items of a launch, with what decides how it went.
func (r reader) BareItems(ctx context.Context, launch uuid.UUID) ([]LaunchItem, error) {
	targets := func(i *LaunchItem) []any {
		return []any{&i.ID, nullID{&i.Parent}, &i.Number, &i.Type, &i.Name, &i.CodeRef, &i.TestCaseID, &i.Identity, &i.HasStats, &i.Attempt, nullID{&i.SupersededBy}, &i.Said, &i.Status,
			&i.Reported, instant{&i.StartedAt}, instant{&i.EndedAt}, &i.Description}
	}
	return list(ctx, r, selection[LaunchItem]{"read the items of a launch", targets, `SELECT ` + bareColumns + ` FROM launch_items i WHERE i.launch_id = $1 ORDER BY i.number`}, launch)
}

// SetItemStatus stores what became of some items. What goes on ends at a time.
func (t *Tx) SetItemStatus(ctx context.Context, status string, at time.Time, ids []uuid.UUID) error {
	return t.inParts(ids, func(part named) error {
		_, err := t.q.ExecContext(ctx, `UPDATE launch_items SET status = $1, ended_at = COALESCE(ended_at, $2) WHERE id IN (`+part.list+`)`, part.args...)
		if err != nil {
			return t.fail("change items of a launch", err)
		}
		return nil
	}, status, stamp(at))
}

// ReportItems notes that all items of a launch are in the results of its project.
func (t *Tx) ReportItems(ctx context.Context, launch uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE launch_items SET reported = $2 WHERE launch_id = $1 AND reported <> $2`, launch, true); err != nil {
		return t.fail("change items of a launch", err)
	}
	return nil
}

// FoldItem takes an item away, whose children and logs are another's from then on.
func (t *Tx) FoldItem(ctx context.Context, from, into uuid.UUID) error {
	for _, statement := range []string{
		`UPDATE launch_items SET parent_id = $2 WHERE parent_id = $1`,
		`UPDATE launch_logs SET item_id = $2 WHERE item_id = $1`,
	} {
		if _, err := t.q.ExecContext(ctx, statement, from, into); err != nil {
			return t.fail("merge items of a launch", err)
		}
	}
	if _, err := t.q.ExecContext(ctx, `DELETE FROM launch_items WHERE id = $1`, from); err != nil {
		return t.fail("merge items of a launch", err)
	}
	return nil
}

// DescribeRoots adds a line to the descriptions of the items at the root of a launch.
func (t *Tx) DescribeRoots(ctx context.Context, launch uuid.UUID, line string) error {
	_, err := t.q.ExecContext(ctx, `UPDATE launch_items SET description = substr(CASE WHEN description = '' THEN $2 ELSE description || $3 || $2 END, 1, 65000)
		WHERE launch_id = $1 AND parent_id IS NULL`, launch, line, "\n")
	if err != nil {
		return t.fail("describe items of a launch", err)
	}
	return nil
}
