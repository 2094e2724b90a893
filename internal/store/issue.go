package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Issue is a bug, a feature request or a question in a project.
type Issue struct {
	ID          uuid.UUID
	Number      int64 // in its project
	Project     uuid.UUID
	Category    string
	Status      string
	Stage       string // of a feature request; empty of anything else
	Priority    string
	Title       string
	Description string
	Steps       string // to reproduce it, one a line
	Custom      string // fields that the reporter added: a JSON object
	Source      string // where it was reported, such as in-game
	Release     Release
	Assignee    Person
	Reporter    Person
	MadeBy      uuid.UUID // the credential; Nil for none
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ResolvedAt  time.Time
	Tags        []TagHead
	Draft       bool // isn't reported yet
}

// Person is a user, or somebody whom a project's credential vouched for. The
// zero value is nobody.
type Person struct {
	ID      uuid.UUID
	Number  int64
	Name    string // empty for a virtual user that was deleted
	Virtual bool
}

// columns are the ids of a person who is a user, and of one who isn't.
func (p Person) columns() (user, virtual uuid.UUID) {
	if p.Virtual {
		return uuid.Nil, p.ID
	}
	return p.ID, uuid.Nil
}

// personTarget scans the id, the number and the name of a person; of nobody
// each is NULL.
type personTarget struct {
	id     uuid.NullUUID
	number sql.NullInt64
	name   sql.NullString
}

func (p *personTarget) targets() []any { return []any{&p.id, &p.number, &p.name} }

func (p *personTarget) person(virtual bool) Person {
	return Person{p.id.UUID, p.number.Int64, p.name.String, virtual && p.id.Valid}
}

const issueColumns = `i.id, i.number, i.project_id, i.category, i.status, i.stage, i.priority, i.title, i.description, i.steps, i.custom, i.source,
	i.made_by, i.created_at, i.updated_at, i.resolved_at, r.id, r.number, r.label, a.id, a.number, a.name, u.id, u.number, u.name, v.id, v.number, v.value`

const issueTables = ` FROM issues i LEFT JOIN releases r ON r.id = i.release_id LEFT JOIN users a ON a.id = i.assignee_id
	LEFT JOIN users u ON u.id = i.user_id LEFT JOIN virtual_users v ON v.id = i.virtual_id`

// issueRow is an issue on its way out of the database.
type issueRow struct {
	Issue
	madeBy                           uuid.NullUUID
	release, assignee, user, virtual personTarget
}

func (i *issueRow) targets() []any {
	out := []any{&i.ID, &i.Number, &i.Project, &i.Category, &i.Status, &i.Stage, &i.Priority, &i.Title, &i.Description, &i.Steps, &i.Custom, &i.Source,
		&i.madeBy, instant{&i.CreatedAt}, instant{&i.UpdatedAt}, instant{&i.ResolvedAt}}
	for _, p := range []*personTarget{&i.release, &i.assignee, &i.user, &i.virtual} {
		out = append(out, p.targets()...)
	}
	return out
}

// issue is what was scanned.
func (i *issueRow) issue() Issue {
	i.MadeBy, i.Assignee, i.Reporter = i.madeBy.UUID, i.assignee.person(false), i.user.person(false)
	i.Release = Release{ID: i.release.id.UUID, Number: i.release.number.Int64, Label: i.release.name.String}
	if i.virtual.id.Valid {
		i.Reporter = i.virtual.person(true)
	}
	return i.Issue
}

// InsertIssue stores a new issue, gives it its number unless it was a draft,
// and makes it findable.
func (t *Tx) InsertIssue(ctx context.Context, i *Issue) (err error) {
	if err := t.numberIssue(ctx, i); err != nil {
		return err
	}
	user, virtual := i.Reporter.columns()
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO issues (id, number, project_id, category, status, priority, title, description, steps, custom, source,
			release_id, assignee_id, user_id, virtual_id, made_by, created_at, updated_at, resolved_at, stage)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		i.ID, i.Number, i.Project, i.Category, i.Status, i.Priority, i.Title, i.Description, i.Steps, i.Custom, i.Source,
		nullable(i.Release.ID), nullable(i.Assignee.ID), nullable(user), nullable(virtual), nullable(i.MadeBy),
		i.CreatedAt.UnixMilli(), i.UpdatedAt.UnixMilli(), stamp(i.ResolvedAt), i.Stage)
	if err != nil {
		return t.fail("store an issue", err)
	}
	if len(i.Tags) > 0 {
		if err := t.SetTags(ctx, i); err != nil {
			return err
		}
	}
	return t.Index(ctx, Scope{"issue", i.Project}, i.ID, i.Title+" "+i.Description)
}

func (t *Tx) numberIssue(ctx context.Context, i *Issue) (err error) {
	if i.Number == 0 {
		i.Number, err = t.next(ctx, i.Project.String(), "issue")
	}
	return err
}

// UpdateIssue stores what may change of an issue.
func (t *Tx) UpdateIssue(ctx context.Context, i *Issue) error {
	user, virtual := i.Reporter.columns()
	_, err := t.q.ExecContext(ctx, `
		UPDATE issues SET category = $2, status = $3, priority = $4, title = $5, description = $6, steps = $7, custom = $8,
			release_id = $9, assignee_id = $10, user_id = $11, virtual_id = $12, updated_at = $13, resolved_at = $14, stage = $15 WHERE id = $1`,
		i.ID, i.Category, i.Status, i.Priority, i.Title, i.Description, i.Steps, i.Custom, nullable(i.Release.ID), nullable(i.Assignee.ID),
		nullable(user), nullable(virtual), i.UpdatedAt.UnixMilli(), stamp(i.ResolvedAt), i.Stage)
	if err != nil {
		return t.fail("store an issue", err)
	}
	return t.Index(ctx, Scope{"issue", i.Project}, i.ID, i.Title+" "+i.Description)
}

// Issue finds an issue of a project by its number.
func (r reader) Issue(ctx context.Context, project uuid.UUID, number int64) (*Issue, error) {
	return r.issue(ctx, `i.project_id = $1 AND i.number = $2`, project, number)
}

// IssueByID finds an issue of any project.
func (r reader) IssueByID(ctx context.Context, id uuid.UUID) (*Issue, error) {
	return r.issue(ctx, `i.id = $1`, id)
}

func (r reader) issue(ctx context.Context, where string, args ...any) (*Issue, error) {
	var row issueRow
	err := r.q.QueryRowContext(ctx, `SELECT `+issueColumns+issueTables+` WHERE `+where, args...).Scan(row.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such issue")
	}
	if err != nil {
		return nil, r.fail("read an issue", err)
	}
	found := []Issue{row.issue()}
	return &found[0], r.readTags(ctx, found)
}

// IssuesByID returns issues of a project, the newest first.
func (r reader) IssuesByID(ctx context.Context, project uuid.UUID, ids []uuid.UUID) (out []Issue, err error) {
	err = r.inParts(ids, func(part named) error {
		found, err := r.issues(ctx, inProject(part), part.args...)
		out = append(out, found...)
		return err
	}, project)
	slices.SortFunc(out, func(a, b Issue) int { return cmp.Compare(b.Number, a.Number) })
	return out, err
}

// inProject is the condition of issues of a project that are named.
func inProject(n named) string { return `i.project_id = $1 AND i.id IN (` + n.list + `)` }

// IssueHead is what issues are told apart by.
type IssueHead struct {
	ID       uuid.UUID
	Number   int64
	Category string
}

func (h *IssueHead) targets() []any { return []any{&h.ID, &h.Number, &h.Category} }

// IssueHeads returns the heads of issues of a project, the newest first.
func (r reader) IssueHeads(ctx context.Context, project uuid.UUID, ids []uuid.UUID) (out []IssueHead, err error) {
	err = r.inParts(ids, func(part named) error {
		found, err := list(ctx, r, selection[IssueHead]{"list issues", (*IssueHead).targets, `SELECT i.id, i.number, i.category FROM issues i WHERE ` + inProject(part)}, part.args...)
		out = append(out, found...)
		return err
	}, project)
	slices.SortFunc(out, func(a, b IssueHead) int { return cmp.Compare(b.Number, a.Number) })
	return out, err
}

func (r reader) issues(ctx context.Context, where string, args ...any) ([]Issue, error) {
	rows, err := list(ctx, r, selection[issueRow]{"list issues", (*issueRow).targets, `SELECT ` + issueColumns + issueTables + ` WHERE ` + where}, args...)
	out := make([]Issue, len(rows))
	for i := range rows {
		out[i] = rows[i].issue()
	}
	if err != nil {
		return nil, err
	}
	return out, r.readTags(ctx, out)
}

// MostCounted bounds how far a list of issues is counted, and how deep into it
// a page may lie.
const MostCounted = 10_000

// mostTagged bounds of how many issues with tags other filters choose.
const mostTagged = MostCounted / 4

// IssueFilter says which issues of a project are listed. What is left empty
// leaves nothing out.
type IssueFilter struct {
	Project                     uuid.UUID
	Category, Status, Priority  string
	Undone                      bool     // open, in progress, or waiting for an answer
	Stages                      []string // all of which it is
	CreatedAfter, CreatedBefore time.Time
	UpdatedAfter, UpdatedBefore time.Time
	Tags                        []int64 // by number, at most a few; any of them
	Assignee                    uuid.UUID
	Before                      int64       // the number of the last one that was seen
	IDs                         []uuid.UUID // at most MostFound; nil for all
	Skip, Limit                 int
}

// where writes the filter as a condition. Each one has an index that is in the
// order of the list.
func (f *IssueFilter) where() (where, order string, args []any) {
	conditions, order := []string{`i.project_id = $1`}, `i.number`
	args = []any{f.Project}
	add := func(condition string, arg any) {
		args = append(args, arg)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	for _, c := range []struct{ column, value string }{{"category", f.Category}, {"status", f.Status}, {"priority", f.Priority}} {
		if c.value != "" {
			add(`i.`+c.column+` = $%d`, c.value)
		}
	}
	if f.Assignee != uuid.Nil {
		add(`i.assignee_id = $%d`, f.Assignee)
	}
	if f.Before != 0 {
		add(`i.number < $%d`, f.Before)
	}
	if len(f.IDs) > 0 {
		first := len(args) + 1
		for _, id := range f.IDs {
			args = append(args, id)
		}
		conditions = append(conditions, `i.id IN `+places(first, len(f.IDs)))
	}
	if f.Undone {
		conditions = append(conditions, `i.status IN ('open', 'in_progress', 'needs_more_info')`)
	}
	for _, stage := range f.Stages {
		add(`i.stage = $%d`, stage)
	}
	if len(f.Tags) > 0 { // of the latest that have them
		first := len(args) + 1
		for _, n := range f.Tags {
			args = append(args, n)
		}
		conditions = append(conditions, `i.number IN (SELECT g.issue_number FROM issue_tagged g JOIN issue_tags t ON t.id = g.tag_id
			WHERE t.project_id = $1 AND t.number IN `+places(first, len(f.Tags))+` ORDER BY g.issue_number DESC LIMIT `+strconv.Itoa(mostTagged)+`)`)
	}
	for _, c := range []struct {
		condition, column string
		at                time.Time
	}{
		{`i.created_at >= $%d`, `i.created_at`, f.CreatedAfter}, {`i.created_at < $%d`, `i.created_at`, f.CreatedBefore},
		{`i.updated_at >= $%d`, `i.updated_at`, f.UpdatedAfter}, {`i.updated_at < $%d`, `i.updated_at`, f.UpdatedBefore},
	} {
		if !c.at.IsZero() {
			add(c.condition, c.at.UnixMilli())
			order = c.column + ` DESC, i.number`
		}
	}
	return strings.Join(conditions, ` AND `), order, args
}

// withTag are the issues of a filter that asks for nothing but one tag: they are
// in the index of tags, in the order of the list.
const withTag = ` FROM issue_tagged g WHERE g.tag_id = (SELECT id FROM issue_tags WHERE project_id = $1 AND number = $2)`

// tag is the one thing that a filter asks for, if it is a tag.
func (f *IssueFilter) tag() (number int64, ok bool) {
	if len(f.Tags) != 1 {
		return 0, false
	}
	others := *f
	others.Tags = nil
	_, _, args := others.where()
	return f.Tags[0], len(args) == 1 && !f.Undone
}

// Issues returns issues of a project, the newest first: by their change where
// the filter asks for that.
func (r reader) Issues(ctx context.Context, f IssueFilter) ([]Issue, error) {
	if tag, ok := f.tag(); ok {
		return r.issues(ctx, `i.id IN (SELECT g.issue_id`+withTag+` ORDER BY g.issue_number DESC LIMIT $3 OFFSET $4) ORDER BY i.number DESC`, f.Project, tag, f.Limit, f.Skip)
	}
	where, order, args := f.where()
	args = append(args, f.Limit, f.Skip)
	if len(f.Tags) > 0 { // of which there may be many, and no more is read of each
		where = `i.id IN (SELECT i.id FROM issues i WHERE ` + where + fmt.Sprintf(` ORDER BY %s DESC LIMIT $%d OFFSET $%d)`, order, len(args)-1, len(args))
		return r.issues(ctx, where+` ORDER BY `+order+` DESC`, args...)
	}
	return r.issues(ctx, fmt.Sprintf(`%s ORDER BY %s DESC LIMIT $%d OFFSET $%d`, where, order, len(args)-1, len(args)), args...)
}

// CountIssues counts the issues of a filter, up to MostCounted.
func (r reader) CountIssues(ctx context.Context, f IssueFilter) (n int, err error) {
	where, order, args := f.where()
	args = append(args, MostCounted)
	// In the order of the index, or a planner may think that it is quicker without.
	query := fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM issues i WHERE %s ORDER BY %s DESC LIMIT $%d) AS found`, where, order, len(args))
	if tag, ok := f.tag(); ok {
		query, args = `SELECT COUNT(*) FROM (SELECT 1`+withTag+` LIMIT $3) AS found`, []any{f.Project, tag, MostCounted}
	}
	err = r.q.QueryRowContext(ctx, query, args...).Scan(&n)
	if err != nil {
		return 0, r.fail("count issues", err)
	}
	return n, nil
}
