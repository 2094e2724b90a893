package workspace

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// resultPage is how many results are stored at once.
const resultPage = 1_000

// storeRun stores a run that is complete with all its results, in an open
// change: with what test cases and tests learn of it. What the run doesn't say
// is filled in.
func (w *Workspace) storeRun(ctx context.Context, ch *change, run *store.TestRun, results []store.TestResult) error {
	found, err := w.readyResults(run, results)
	if err != nil {
		return err
	}
	run.Redacted += found.count
	ch.tellExposed(found)
	return w.keepRun(ctx, ch, run, results)
}

// keepRun is storeRun of results that are ready.
func (w *Workspace) keepRun(ctx context.Context, ch *change, run *store.TestRun, results []store.TestResult) error {
	if err := w.beginRun(ctx, ch, run); err != nil {
		return err
	}
	for page := range slices.Chunk(results, resultPage) {
		if err := w.addResults(ctx, ch, run, page); err != nil {
			return err
		}
	}
	finishRun(run, ch.at)
	return ch.UpdateTestRun(ctx, run)
}

// beginRun stores a new run without results.
func (w *Workspace) beginRun(ctx context.Context, ch *change, run *store.TestRun) (err error) {
	if run.ID == uuid.Nil {
		if run.ID, err = w.newID(); err != nil {
			return err
		}
	}
	run.Project, run.Status = ch.project.ID, store.RunInProgress
	if run.Cycle == uuid.Nil {
		run.Cycle = run.Project // its master cycle
	}
	if run.Maker == (store.Maker{}) {
		run.Maker = ch.maker()
	}
	if run.CreatedAt.IsZero() {
		run.CreatedAt = ch.at
	}
	if run.Request == nil {
		run.Request = make([]byte, 32)
	}
	run.Source, run.SkippedAs, run.Attempt, run.Shards = or(run.Source, "results"), or(run.SkippedAs, "skipped"), max(run.Attempt, 1), max(run.Shards, 1)
	return ch.InsertTestRun(ctx, run)
}

// finishRun says how a run went that is complete.
func finishRun(run *store.TestRun, at time.Time) {
	run.Status, run.FinishedAt, run.UpdatedAt = store.RunPassed, at, at
	if run.Counts.Failed > 0 || run.SuiteErrors > 0 {
		run.Status = store.RunFailed
	}
}

// automationID is how a test names its test case: [48271].
var automationID = regexp.MustCompile(`\[([0-9]{5})\]`)

// automationIDs are the automation ids that a result names, each once.
func automationIDs(r *store.TestResult) (ids []int64) {
	for _, text := range []string{r.Name, r.Class} {
		for _, found := range automationID.FindAllStringSubmatch(text, mostNumbersNamed) {
			id, err := strconv.ParseInt(found[1], 10, 64)
			if err == nil && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// matching finds the test cases that results stand for.
type matching struct {
	byID  map[int64]store.TestCase
	byRef map[string][]store.TestCase
}

// match looks for the test cases of results: those whose automation ids stand in
// the name or the class, and those that refer to the test.
func match(ctx context.Context, ch *change, results []store.TestResult) (m matching, err error) {
	var ids []int64
	for i := range results {
		ids = append(ids, automationIDs(&results[i])...)
	}
	slices.Sort(ids)
	if m.byID, err = ch.CasesByAutomation(ctx, ch.project.ID, slices.Compact(ids)); err != nil {
		return m, err
	}
	has, err := ch.HasReferences(ctx, ch.project.ID)
	if err != nil || !has {
		return m, err
	}
	refs := make([]string, len(results))
	for i := range results {
		refs[i] = results[i].Reference()
	}
	slices.Sort(refs)
	m.byRef, err = ch.CasesByReference(ctx, ch.project.ID, slices.Compact(refs))
	return m, err
}

// of returns the test cases of one result, each once.
func (m matching) of(r *store.TestResult) (cases []store.TestCase) {
	for _, id := range automationIDs(r) {
		if tc, there := m.byID[id]; there {
			cases = append(cases, tc)
		}
	}
	if len(m.byRef) > 0 {
		for _, tc := range m.byRef[r.Reference()] {
			if !slices.ContainsFunc(cases, func(other store.TestCase) bool { return other.Number == tc.Number }) {
				cases = append(cases, tc)
			}
		}
	}
	return cases
}

// adding is a page of results on its way into a run.
type adding struct {
	w       *Workspace
	ch      *change
	run     *store.TestRun
	cases   matching
	tests   map[uuid.UUID]*store.KnownTest
	before  map[uuid.UUID]string    // how tests went when the commit was tested last
	last    map[uuid.UUID]*attempts // of the tests in this run
	results []store.TestResult      // with their test cases
	done    map[int64]store.Execution
	// positions of results of the run that are stored already: those of which
	// another attempt comes now, and those that passed and turn out to have failed first.
	retried, flaky []int64
}

// addResults stores some results of a run, and what follows from them: how their
// test cases went, and what is known of their tests. The run has what it counts,
// and the caller stores that.
func (w *Workspace) addResults(ctx context.Context, ch *change, run *store.TestRun, reported []store.TestResult) (err error) {
	a := &adding{w: w, ch: ch, run: run, done: map[int64]store.Execution{}, results: make([]store.TestResult, 0, len(reported)+len(reported)/8)}
	if a.cases, err = match(ctx, ch, reported); err != nil {
		return err
	}
	if err := a.remember(ctx, reported); err != nil {
		return err
	}
	for i := range reported {
		if err := a.add(&reported[i]); err != nil {
			return err
		}
	}
	return a.store(ctx)
}

// remember reads what is known of the tests of results.
func (a *adding) remember(ctx context.Context, reported []store.TestResult) (err error) {
	ids, again := make([]uuid.UUID, len(reported)), []uuid.UUID(nil)
	for i := range reported {
		r := &reported[i]
		r.Identify(a.run.Project)
		ids[i] = r.Test
		a.run.Retried = a.run.Retried || r.Attempt > 1
	}
	for i := range reported {
		if a.run.Stored > 0 && a.run.Retried && reported[i].Attempt > 0 {
			again = append(again, ids[i])
		}
	}
	if a.tests, err = a.ch.KnownTests(ctx, distinct(ids)); err != nil {
		return err
	}
	stored, err := a.ch.LastResults(ctx, a.run.ID, distinct(again))
	if err != nil {
		return err
	}
	a.last = make(map[uuid.UUID]*attempts, len(stored))
	for id, rows := range stored {
		a.last[id] = attemptsOf(rows)
	}
	var open []uuid.UUID
	for i := range reported {
		if k := a.tests[ids[i]]; k != nil && mayFlip(k, told{TestResult: &reported[i], run: a.run, at: a.ch.at}) {
			open = append(open, k.ID)
		}
	}
	a.before, err = a.ch.LastOutcomes(ctx, a.run, distinct(open), a.ch.at.Add(-flakyFor))
	return err
}

// distinct sorts ids and leaves repeats out.
func distinct(ids []uuid.UUID) []uuid.UUID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// add takes in one result.
func (a *adding) add(r *store.TestResult) error {
	cases := a.cases.of(r)
	rows := max(1, len(cases))
	judged := a.try(r, rows)
	for i := range rows {
		row := *r
		row.Also = i > 0
		if len(cases) > 0 {
			row.CaseNumber = cases[i].Number
			if err := a.execute(&cases[i], r); err != nil {
				return err
			}
		}
		if !row.Retried {
			a.run.Count(&row, 1)
		}
		a.results = append(a.results, row)
	}
	k := a.tests[r.Test]
	if k == nil {
		k = &store.KnownTest{ID: r.Test, Project: a.run.Project, Name: r.Name, Class: r.Class, CodeRef: r.CodeRef, FirstSeen: a.ch.at}
		a.tests[r.Test] = k
	}
	learn(k, told{&judged, a.run, a.ch.at, a.before[r.Test]})
	return nil
}

// execute says how a test case went. Of several attempts the last one counts.
func (a *adding) execute(tc *store.TestCase, r *store.TestResult) error {
	if other, there := a.done[tc.Number]; r.Status == ignored || there && r.Attempt > 0 && r.Attempt < other.Attempt {
		return nil
	}
	e, err := a.w.execution(a.ch, tc)
	e.Status, e.Comment, e.Duration, e.Run, e.Attempt, e.ExecutedAt = r.Status, clip(r.Message, mostRemark), r.Duration, a.run.ID, r.Attempt, a.ch.at
	a.done[tc.Number] = e
	return err
}

// store stores what was taken in.
func (a *adding) store(ctx context.Context) error {
	if err := a.ch.InsertTestResults(ctx, a.run, a.results, a.ch.at); err != nil {
		return err
	}
	if err := a.ch.RetryResults(ctx, a.run.ID, a.retried, a.flaky); err != nil {
		return err
	}
	tests := slices.SortedFunc(maps.Values(a.tests), func(x, y *store.KnownTest) int { return slices.Compare(x.ID[:], y.ID[:]) })
	if err := a.ch.SaveTests(ctx, tests); err != nil {
		return err
	}
	done := slices.SortedFunc(maps.Values(a.done), func(x, y store.Execution) int { return cmp.Compare(x.CaseNumber, y.CaseNumber) })
	return a.ch.SetExecutions(ctx, a.run.Cycle, done)
}
