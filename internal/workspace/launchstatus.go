package workspace

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// worseThan orders the statuses of what has ended, the best first. What holds
// tests that were skipped and others that passed has passed.
var worseThan = []string{Skipped, Passed, Cancelled, Interrupted, Failed}

// worst is the worst of some statuses, without what goes on; where there is none
// it is otherwise.
func worst(statuses []string, otherwise string) string {
	at := -1
	for _, s := range statuses {
		at = max(at, slices.Index(worseThan, s))
	}
	switch {
	case at >= 0:
		return worseThan[at]
	case len(statuses) > 0:
		return inProgress
	}
	return otherwise
}

// settled is how the items of a launch went.
type settled struct {
	items  []store.LaunchItem
	status []string // of each of the items
	counts store.LaunchCounts
	launch string // of the whole
	tests  []int  // which of the items count
	tried  []int  // which of them were tests that were tried again
	above  []int  // by item
	nth    []int  // which attempt it is, as part of an attempt
}

// settling works out how the items of a launch went.
type settling struct {
	settled
	ending bool    // what has no end is over
	below  [][]int // by item
	gone   []bool  // the item was tried again, or what it is below
	part   []bool  // it is a part of a test, or below one
	failed []bool  // a test that is it or below it failed
}

// settle works out how the items of a launch went. Where the launch ends, what
// goes on is interrupted.
func settle(items []store.LaunchItem, ending bool) *settled {
	size := len(items)
	s := &settling{settled: settled{items: items, status: make([]string, size), above: make([]int, size), nth: make([]int, size)}, ending: ending, below: make([][]int, size),
		gone: make([]bool, size), part: make([]bool, size), failed: make([]bool, size)}
	at := make(map[uuid.UUID]int, len(items))
	for n := range items {
		at[items[n].ID] = n
	}
	var roots []int
	for n := range items {
		parent, held := at[items[n].Parent]
		if s.above[n] = parent; !held {
			s.above[n] = -1
			roots = append(roots, n)
			continue
		}
		s.below[parent] = append(s.below[parent], n)
	}
	order := make([]int, 0, len(items)) // parents before what is below them
	order = append(order, roots...)
	for k := 0; k < len(order); k++ {
		n := order[k]
		s.gone[n], s.part[n], s.nth[n] = items[n].SupersededBy != uuid.Nil, !items[n].HasStats, int(items[n].Attempt)
		if above := s.above[n]; above >= 0 {
			s.gone[n], s.part[n], s.nth[n] = s.gone[n] || s.gone[above], s.part[n] || s.part[above], s.nth[n]+s.nth[above]-1
		}
		order = append(order, s.below[n]...)
	}
	for _, n := range slices.Backward(order) {
		s.one(n)
	}
	slices.Sort(s.tests)
	s.launch = s.whole(roots)
	return &s.settled
}

// one works out an item after all that is below it.
func (s *settling) one(n int) {
	i := &s.items[n]
	var below, parts []string // what counts, and what is a part of a test
	test := !s.part[n]
	for _, k := range s.below[n] {
		test = test && s.part[k]
		switch {
		case s.items[k].SupersededBy != uuid.Nil:
		case s.items[k].HasStats:
			below = append(below, s.status[k])
		default:
			parts = append(parts, s.status[k])
		}
	}
	if len(below) == 0 {
		below = parts
	}
	switch {
	case i.EndedAt.IsZero() && !s.ending:
		s.status[n] = inProgress
	case i.EndedAt.IsZero() || i.Status == Interrupted && i.Said == "":
		s.status[n] = Interrupted
	case i.Said != "":
		s.status[n] = i.Said
	default:
		s.status[n] = worst(below, Skipped)
	}
	switch {
	case test && s.gone[n]:
		s.tried = append(s.tried, n)
	case test:
		s.count(n)
		s.failed[n] = s.status[n] == Failed
	}
	if s.failed[n] && s.status[n] != inProgress {
		s.status[n] = Failed
	}
	if s.failed[n] && s.above[n] >= 0 {
		s.failed[s.above[n]] = true
	}
}

// count counts a test.
func (s *settling) count(n int) {
	s.tests = append(s.tests, n)
	s.counts.Total++
	switch s.status[n] {
	case Passed:
		s.counts.Passed++
	case Failed:
		s.counts.Failed++
	case Interrupted:
		if s.items[n].Said == "" { // it never came to anything
			s.counts.Skipped++
		} else {
			s.counts.Failed++
		}
	case Skipped, Cancelled:
		s.counts.Skipped++
	}
}

// whole is the status of the launch.
func (s *settling) whole(roots []int) string {
	var statuses []string
	for _, n := range roots {
		if !s.gone[n] && !s.part[n] {
			statuses = append(statuses, s.status[n])
		}
	}
	status := worst(statuses, Passed)
	if status == Skipped {
		return Passed
	}
	return status
}

// path names what an item is below, the outermost first.
func (s *settled) path(n int) []string {
	var names []string
	for n = s.above[n]; n >= 0; n = s.above[n] {
		names = append(names, s.items[n].Name)
	}
	slices.Reverse(names)
	return names
}

// closeLaunch works out how a launch went that has ended, and has its tests
// become results of its project: those that are given, or else its own.
func (w *Workspace) closeLaunch(ctx context.Context, c *change, l *store.Launch, results []store.TestResult) error {
	items, err := c.BareItems(ctx, l.ID)
	if err != nil {
		return err
	}
	s := settle(items, true)
	if err := s.save(ctx, c, l.EndedAt); err != nil {
		return err
	}
	l.Status, l.Counts = s.launch, s.counts
	if results == nil {
		errors, err := c.ErrorLogs(ctx, l.ID, mostErrorLogs)
		if err != nil {
			return err
		}
		results = s.results(errors)
	}
	if err := w.reportTests(ctx, c, l, results); err != nil {
		return err
	}
	c.recordLaunch("launch.finish", l)
	return c.SaveLaunch(ctx, l)
}

// recount works out how a launch went of which something came when it was over.
// What is in the results of the project stays as it is.
func (w *Workspace) recount(ctx context.Context, c *change, l *store.Launch) error {
	items, err := c.BareItems(ctx, l.ID)
	if err != nil {
		return err
	}
	s := settle(items, true)
	l.Status, l.Counts = s.launch, s.counts
	if err := s.save(ctx, c, l.EndedAt); err != nil {
		return err
	}
	return c.SaveLaunch(ctx, l)
}

// save stores the statuses of items that are others by now.
func (s *settled) save(ctx context.Context, c *change, at time.Time) error {
	changed := map[string][]uuid.UUID{}
	for n := range s.items {
		if i := &s.items[n]; i.Status != s.status[n] || i.EndedAt.IsZero() {
			changed[s.status[n]] = append(changed[s.status[n]], i.ID)
		}
	}
	for _, status := range worseThan {
		if err := c.SetItemStatus(ctx, status, at, changed[status]); err != nil {
			return err
		}
	}
	return nil
}

// mostErrorLogs bounds how many errors of a launch are looked through for why
// its tests failed.
const mostErrorLogs = 20_000

// results are the tests as results of the project, but for those that are that
// already. Errors are what they wrote.
func (s *settled) results(errors map[uuid.UUID]string) (list []store.TestResult) {
	order := append(slices.Clone(s.tried), s.tests...)
	slices.Sort(order)
	for _, n := range order {
		if result, counts := s.result(n, errors); counts {
			list = append(list, result)
		}
	}
	return list
}

// reportTests has the tests of a launch become results of its project, each once.
func (w *Workspace) reportTests(ctx context.Context, c *change, l *store.Launch, results []store.TestResult) error {
	if len(results) == 0 {
		return nil
	}
	run := &store.TestRun{Source: "launch", Name: clip(l.Name, mostKey), Key: "launch " + l.ID.String(), Attempt: int(l.Reruns) + 1, Request: l.Request, Redacted: c.redacted}
	for _, a := range AttributesOf(l.Attributes) {
		if field := runField(run, a); field != nil && *field == "" {
			*field = a.Value
		}
	}
	if err := w.storeRun(ctx, c, run, results); err != nil {
		return err
	}
	l.Run = run.ID
	c.record("test_result.report", "test_cycle:"+run.Cycle.String(), runDetail{run.Project, 1, run.ID, run.Counts.Total, run.Matched})
	return c.ReportItems(ctx, l.ID)
}

// runField is what an attribute of a launch says of the run of its results; nil
// for nothing.
func runField(run *store.TestRun, a Attribute) *string {
	if utf8.RuneCountInString(a.Value) > mostKey || a.System {
		return nil
	}
	switch strings.ToLower(a.Key) {
	case "branch":
		return &run.Branch
	case "commit", "sha", "revision":
		return &run.Commit
	case "build":
		return &run.Build
	}
	return nil
}

// resultWords are how results are reported that ended in a status.
var resultWords = map[string]string{Passed: "passed", Failed: "failed", Interrupted: "error", Skipped: "skipped", Cancelled: "skipped"}

// result is a test as a result of the project. What ran before or after tests is
// one only where it failed.
func (s *settled) result(n int, errors map[uuid.UUID]string) (r store.TestResult, counts bool) {
	i := &s.items[n]
	status := s.status[n]
	if status == Interrupted && i.Said == "" {
		status = Skipped
	}
	if i.Reported || slices.Contains(hookTypes, i.Type) && status != Failed {
		return r, false
	}
	path := s.path(n)
	r = store.TestResult{Name: clip(i.Name, mostName), Class: clip(strings.Join(path, " > "), mostName), CodeRef: i.CodeRef, Status: resultWords[status], Attempt: min(s.nth[n], mostAttempt)}
	if len(path) > 0 {
		r.Suite = path[0]
	}
	if !i.EndedAt.IsZero() {
		r.Duration = min(i.EndedAt.Sub(i.StartedAt), mostDuration)
	}
	if status == Failed || status == Interrupted {
		r.Message = or(unfenced(i.Description), errors[i.ID])
		if r.Message != errors[i.ID] {
			r.Detail = errors[i.ID]
		}
	}
	return r, true
}

// unfenced is a description without the fence of the code block that it has: a
// failed item's holds the error in one.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	if body, found := strings.CutPrefix(text, "```"); found {
		_, body, _ = strings.Cut(body, "\n")
		return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(body), "```"))
	}
	return text
}
