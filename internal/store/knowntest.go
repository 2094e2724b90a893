package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// KnownTest is a test as its results tell of it.
type KnownTest struct {
	ID, Project          uuid.UUID
	Name, Class, CodeRef string
	Status               string // of the last attempt in the last run
	Error                bool
	Duration             time.Duration
	Results              int64
	LastRun              uuid.UUID
	LastAttempt          int
	// LastOutcome is the pass or fail that was stored last, and LastCommit what
	// was tested then; both are empty before the first.
	LastCommit, LastOutcome string
	PassedAt, FailedAt      time.Time
	CleanPasses             int       // in a row, since it last was flaky or failed
	FlakySince              time.Time // zero where it isn't
	FirstSeen, LastSeen     time.Time
}

// testChanges are the columns of what changes of a test; what it is called never does.
const (
	testChanges = `status, error, duration_ms, results, last_run_id, last_attempt, last_commit, last_outcome,
	passed_at, failed_at, clean_passes, flaky_since, last_seen`
	testColumns = `id, project_id, name, class_name, code_ref, first_seen, ` + testChanges
)

func (k *KnownTest) targets() []any {
	return []any{&k.ID, &k.Project, &k.Name, &k.Class, &k.CodeRef, instant{&k.FirstSeen}, &k.Status, &k.Error, milliseconds{&k.Duration}, &k.Results, &k.LastRun, &k.LastAttempt, &k.LastCommit, &k.LastOutcome,
		instant{&k.PassedAt}, instant{&k.FailedAt}, &k.CleanPasses, instant{&k.FlakySince}, instant{&k.LastSeen}}
}

// Identify says which test of a project a result is of: whatever is called the
// same is the same test. The id is drawn from the names, so that nobody has to
// look for it (RFC 9562 section 5.8), and begins alike for all of one class:
// what is reported together lies together.
func (t *TestResult) Identify(project uuid.UUID) {
	const alike = 4 // bytes
	class, all := drawn(project, t.Class), drawn(project, t.CodeRef, t.Class, t.Name)
	t.Test = uuid.UUID(all[:16])
	copy(t.Test[:alike], class[:])
	t.Test[6] = t.Test[6]&0x0f | 0x80
	t.Test[8] = t.Test[8]&0x3f | 0x80
}

// drawn is a hash of names in a project.
func drawn(project uuid.UUID, names ...string) [sha256.Size]byte {
	text := append(make([]byte, 0, 256), project[:]...)
	for _, name := range names {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(name))), name...)
	}
	return sha256.Sum256(text)
}

// KnownTests finds tests by their ids, those that there are. One whose row is
// damaged counts as one that isn't there.
func (r reader) KnownTests(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*KnownTest, error) {
	found := make(map[uuid.UUID]*KnownTest, len(ids))
	return found, r.inParts(ids, func(part named) error {
		some, err := list(ctx, r, selection[KnownTest]{"read tests", (*KnownTest).targets, `SELECT ` + testColumns + ` FROM tests WHERE id IN (` + part.list + `)`}, part.args...)
		for i := range some {
			found[some[i].ID] = &some[i]
		}
		return err
	})
}

// SaveTests stores what tests have become, and those that are new.
func (t *Tx) SaveTests(ctx context.Context, tests []*KnownTest) error {
	var set []string
	for column := range strings.SplitSeq(testChanges, ",") {
		column = strings.TrimSpace(column)
		set = append(set, column+" = excluded."+column)
	}
	rows := inserts{t: t, op: "store tests", columns: 19, most: manyInserted, into: `tests (` + testColumns + `)`, then: ` ON CONFLICT (id) DO UPDATE SET ` + strings.Join(set, ", ")}
	for _, k := range tests {
		err := rows.add(ctx, k.ID, k.Project, k.Name, k.Class, k.CodeRef, k.FirstSeen.UnixMilli(), k.Status, k.Error, k.Duration.Milliseconds(), k.Results, k.LastRun, k.LastAttempt, k.LastCommit, k.LastOutcome,
			stamp(k.PassedAt), stamp(k.FailedAt), k.CleanPasses, stamp(k.FlakySince), k.LastSeen.UnixMilli())
		if err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// LastOutcomes returns how tests of a project went the last time that a commit
// was tested, as pass or fail, since a time: of those that were. It goes by the
// runs of the commit, which are few, and not by the histories of the tests.
func (t *Tx) LastOutcomes(ctx context.Context, run *TestRun, tests []uuid.UUID, since time.Time) (map[uuid.UUID]string, error) {
	type row struct {
		id     uuid.UUID
		status sql.NullString
	}
	found := map[uuid.UUID]string{}
	targets := func(x *row) []any { return []any{&x.id, &x.status} }
	return found, t.inParts(tests, func(part named) error {
		some, err := list(ctx, t.reader, selection[row]{"read outcomes", targets, `SELECT k.id, (SELECT x.status FROM test_runs r CROSS JOIN test_results x
			WHERE x.test_id = k.id AND x.run_id = r.id AND r.project_id = $1 AND r.commit_hash = $2 AND r.updated_at >= $3 AND x.stored_at >= $3 AND x.status IN ('pass', 'fail')
			ORDER BY x.stored_at DESC, x.run_id DESC, x.position DESC LIMIT 1) FROM tests k WHERE k.id IN (` + part.list + `)`}, part.args...)
		for _, x := range some {
			if x.status.Valid {
				found[x.id] = x.status.String
			}
		}
		return err
	}, run.Project, run.Commit, since.UnixMilli())
}

// KnownTest finds a test of a project.
func (r reader) KnownTest(ctx context.Context, project, id uuid.UUID) (*KnownTest, error) {
	var k KnownTest
	err := r.q.QueryRowContext(ctx, `SELECT `+testColumns+` FROM tests WHERE id = $1 AND project_id = $2`, id, project).Scan(k.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test")
	}
	if err != nil {
		return nil, r.fail("read a test", err)
	}
	return &k, nil
}
