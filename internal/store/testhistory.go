package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// TestFilter chooses tests of a project. Empty fields choose all.
type TestFilter struct {
	Project uuid.UUID
	Status  string // pass, fail, error, blocked, skipped or ignored
	Flaky   bool
	Slow    bool      // took a second or longer; the slowest first
	Text    string    // stands in the name or the class
	After   uuid.UUID // the last one that was seen
}

// FindTests returns the tests that a filter chooses, in the order of their classes and names.
func (r reader) FindTests(ctx context.Context, f TestFilter, limit int) ([]KnownTest, error) {
	w := conditions{args: []any{f.Project, limit}}
	w.text.WriteString(`SELECT ` + testColumns + ` FROM tests WHERE project_id = $1`)
	switch f.Status {
	case "":
	case "fail":
		w.text.WriteString(` AND status = 'fail' AND NOT error`)
	case "error":
		w.text.WriteString(` AND status = 'fail' AND error`)
	default:
		w.and(`status = $`, f.Status)
	}
	if f.Flaky {
		w.text.WriteString(` AND flaky_since IS NOT NULL`)
	}
	if f.Text != "" {
		// As it is written as well: a PostgreSQL of some locales lowers the letters of ASCII alone.
		part := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(f.Text)
		w.args = append(w.args, "%"+strings.ToLower(part)+"%", "%"+part+"%")
		fmt.Fprintf(&w.text, ` AND (LOWER(name || ' ' || class_name) LIKE $%d ESCAPE '!' OR name || ' ' || class_name LIKE $%d ESCAPE '!')`, len(w.args)-1, len(w.args))
	}
	after, order := `(class_name, name, id) > (SELECT b.class_name, b.name, b.id FROM tests b WHERE b.id = $)`, `class_name, name, id`
	if f.Slow {
		w.text.WriteString(` AND duration_ms >= 1000`)
		after, order = `(duration_ms, id) < (SELECT b.duration_ms, b.id FROM tests b WHERE b.id = $)`, `duration_ms DESC, id DESC`
	}
	if f.After != uuid.Nil {
		w.and(after, f.After)
	}
	w.text.WriteString(` ORDER BY ` + order + ` LIMIT $2`)
	return list(ctx, r, selection[KnownTest]{"list tests", (*KnownTest).targets, w.text.String()}, w.args...)
}

// PastResult is one result in the history of a test.
type PastResult struct {
	Run            uuid.UUID
	RunNumber      int64
	Position       int64
	Status         string
	Error, Flaky   bool
	Commit, Branch string
	Duration       time.Duration
	Message        string
	At             time.Time
}

// PastBefore is where a history goes on: behind a result. The zero value is its
// beginning.
type PastBefore struct {
	Run      uuid.UUID
	Position int64
}

// History returns results of a test, those of the latest run first.
func (r reader) History(ctx context.Context, test uuid.UUID, before PastBefore, limit int) ([]PastResult, error) {
	targets := func(p *PastResult) []any {
		return []any{&p.Run, &p.RunNumber, &p.Position, &p.Status, &p.Error, &p.Flaky, &p.Commit, &p.Branch, milliseconds{&p.Duration}, &p.Message, instant{&p.At}}
	}
	w := conditions{args: []any{test, limit}}
	w.text.WriteString(`SELECT x.run_id, r.number, x.position, x.status, x.error, x.flaky, r.commit_hash, r.branch, x.duration_ms, x.message, x.stored_at
		FROM test_results x JOIN test_runs r ON r.id = x.run_id WHERE x.test_id = $1 AND NOT x.also`)
	if before.Run != uuid.Nil {
		w.args = append(w.args, before.Run, before.Position)
		w.text.WriteString(` AND (x.run_id, x.position) < ($3, $4)`)
	}
	w.text.WriteString(` ORDER BY x.run_id DESC, x.position DESC LIMIT $2`)
	return list(ctx, r, selection[PastResult]{"list the results of a test", targets, w.text.String()}, w.args...)
}

// Changed is a test whose outcome a run changed, or didn't.
type Changed struct {
	Test                 uuid.UUID
	Name, Class, Message string
	Flaky                bool
}

func (c *Changed) targets() []any { return []any{&c.Test, &c.Name, &c.Class, &c.Message, &c.Flaky} }

const changedColumns = `SELECT x.test_id, x.name, x.class_name, x.message, COALESCE((SELECT k.flaky_since IS NOT NULL FROM tests k WHERE k.id = x.test_id), FALSE) FROM test_results x
	WHERE x.run_id = $1 AND x.status = 'fail' AND NOT x.retried AND NOT x.also AND x.test_id IS NOT NULL AND `

// Failures are the tests that failed in a run: those that failed in another run
// as well, or those that didn't.
func (r reader) Failures(ctx context.Context, run, other uuid.UUID, too bool, limit int) ([]Changed, error) {
	failed := `EXISTS (SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2 AND o.status = 'fail' AND NOT o.retried)`
	if !too {
		failed = "NOT " + failed
	}
	return list(ctx, r, selection[Changed]{"list failures", (*Changed).targets, changedColumns + failed + ` ORDER BY x.position LIMIT $3`}, run, other, limit)
}

// Fixed are the tests that failed in the run before and passed in a run.
func (r reader) Fixed(ctx context.Context, run, before uuid.UUID, limit int) ([]Changed, error) {
	return list(ctx, r, selection[Changed]{"list what is fixed", (*Changed).targets, changedColumns + `
		EXISTS (SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2 AND o.status = 'pass' AND NOT o.retried)
		AND NOT EXISTS (SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2 AND o.status = 'fail' AND NOT o.retried)
		ORDER BY x.position LIMIT $3`}, before, run, limit)
}

// CountMissing counts the tests of a run that another one doesn't have.
func (r reader) CountMissing(ctx context.Context, run, other uuid.UUID) (n int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM test_results x WHERE x.run_id = $1 AND NOT x.retried AND NOT x.also AND x.test_id IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM test_results o WHERE o.test_id = x.test_id AND o.run_id = $2)`, run, other).Scan(&n)
	if err != nil {
		return 0, r.fail("count tests", err)
	}
	return n, nil
}
