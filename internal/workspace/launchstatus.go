package workspace

import (
	"context"
	"slices"
	"strings"
	"time"

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
	path   func(int) string
}

// settling works out how the items of a launch went.
type settling struct {
	settled
	ending bool    // what has no end is over
	below  [][]int // by item
	above  []int
	out    []bool // the item is no attempt that counts, or below one, or part of a test
	failed []bool // a test that is it or below it failed
}

// settle works out how the items of a launch went. Where the launch ends, what
// goes on is interrupted.
func settle(items []store.LaunchItem, ending bool) *settled {
	s := &settling{settled: settled{items: items, status: make([]string, len(items))}, ending: ending, below: make([][]int, len(items)), above: make([]int, len(items)),
		out: make([]bool, len(items)), failed: make([]bool, len(items))}
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
		s.out[n] = items[n].SupersededBy != uuid.Nil || !items[n].HasStats || s.above[n] >= 0 && s.out[s.above[n]]
		order = append(order, s.below[n]...)
	}
	for _, n := range slices.Backward(order) {
		s.one(n)
	}
	slices.Sort(s.tests)
	s.launch = s.whole(roots)
	s.path = s.pathOf
	return &s.settled
}

// one works out an item after all that is below it.
func (s *settling) one(n int) {
	i := &s.items[n]
	var below []string
	test := !s.out[n]
	for _, k := range s.below[n] {
		if s.items[k].SupersededBy == uuid.Nil {
			below = append(below, s.status[k])
		}
		if !s.out[k] {
			test = false
		}
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
	if test {
		s.count(n)
		s.failed[n] = s.status[n] == Failed
	}
	if s.failed[n] && s.status[n] != inProgress {
		s.status[n] = Failed
	}
	if s.failed[n] && !s.out[n] && s.above[n] >= 0 {
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
		if !s.out[n] {
			statuses = append(statuses, s.status[n])
		}
	}
	status := worst(statuses, Passed)
	if status == Skipped {
		return Passed
	}
	return status
}

// pathOf names what an item is below, the outermost first.
func (s *settling) pathOf(n int) string {
	var names []string
	for n = s.above[n]; n >= 0; n = s.above[n] {
		names = append(names, s.items[n].Name)
	}
	slices.Reverse(names)
	return strings.Join(names, " > ")
}

// closeLaunch works out how a launch went that has ended, and has its tests
// become results of its project.
func (w *Workspace) closeLaunch(ctx context.Context, c *change, l *store.Launch) error {
	items, err := c.BareItems(ctx, l.ID)
	if err != nil {
		return err
	}
	s := settle(items, true)
	if err := s.save(ctx, c, l.EndedAt); err != nil {
		return err
	}
	l.Status, l.Counts = s.launch, s.counts
	if err := w.reportTests(ctx, c, l, s); err != nil {
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

// reportTests has the tests of a launch become results of its project, each once.
func (w *Workspace) reportTests(ctx context.Context, c *change, l *store.Launch, s *settled) error {
	errors, err := c.ErrorLogs(ctx, l.ID, mostErrorLogs)
	if err != nil {
		return err
	}
	var results []store.TestResult
	for _, n := range s.tests {
		if result, counts := s.result(n, errors); counts {
			results = append(results, result)
		}
	}
	if len(results) == 0 {
		return nil
	}
	cycle, err := c.TestCycleByID(ctx, c.project.ID) // the master cycle
	if err != nil {
		return err
	}
	r := ReportRequest{Results: results, Key: "launch " + l.ID.String(), Attempt: int(l.Reruns) + 1, Body: l.Request}
	run, err := w.newRun(c, cycle, &r)
	if err != nil {
		return err
	}
	if err := w.keep(ctx, c, run, results); err != nil {
		return err
	}
	l.Run = run.ID
	return c.ReportItems(ctx, l.ID)
}

// resultWords are how results are kept that ended in a status.
var resultWords = map[string]string{Passed: "pass", Failed: "fail", Interrupted: "fail", Skipped: "skipped", Cancelled: "skipped"}

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
	r = store.TestResult{Name: clip(i.Name, mostName), Class: clip(s.path(n), mostName), Status: resultWords[status]}
	if !i.EndedAt.IsZero() {
		r.Duration = min(i.EndedAt.Sub(i.StartedAt), mostDuration)
	}
	if r.Status == "fail" {
		r.Message = clip(or(unfenced(i.Description), errors[i.ID]), mostMessage)
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
