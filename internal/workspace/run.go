package workspace

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// cycleMoves says which statuses a test cycle comes from.
var cycleMoves = map[string][]string{
	"in_progress": {"planned"},
	"completed":   {"in_progress"},
	"aborted":     {"planned", "in_progress"},
}

// MoveCycle starts, completes or aborts a test cycle: to says what it becomes.
func (w *Workspace) MoveCycle(ctx context.Context, p *credential.Principal, n Numbered, to string) (*store.TestCycle, error) {
	return w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		if !slices.Contains(cycleMoves[to], c.Status) {
			return credential.Errorf(credential.Conflict, "it is %s and can't become %s", c.Status, to)
		}
		c.Status = to
		return saveCycle(ctx, ch, c)
	})
}

// Bounds of what is put into a test cycle by one call.
const (
	mostCopied = 10_000 // test cases of another cycle
	mostFound  = 5_000  // test cases that a query chooses
	copyPage   = 500
	findPage   = 100 // of test cases with all that they say
)

// CopyCycle plans a test cycle with the test cases of another: those that are
// still there. Without a name of its own it has that one's.
func (w *Workspace) CopyCycle(ctx context.Context, p *credential.Principal, n Numbered, r CycleRequest) (*store.TestCycle, error) {
	from, err := w.TestCycle(ctx, p, n)
	if err != nil {
		return nil, err
	}
	if from.Counts.Total > mostCopied {
		return nil, credential.Errorf(credential.Conflict, "what has more than %d test cases isn't copied", mostCopied)
	}
	c := &store.TestCycle{Name: from.Name, Description: from.Description, Status: "planned", RunType: from.RunType}
	if err := r.apply(c); err != nil {
		return nil, err
	}
	id, err := w.make(ctx, p, want{n.Project, credential.ResultsWrite}, n.making("copy test cycle", r.Repeat), func(ch *change) (uuid.UUID, error) {
		if err := w.insertCycle(ctx, ch, c, int(from.Counts.Total)); err != nil {
			return uuid.Nil, err
		}
		return c.ID, w.copyCases(ctx, ch, from.ID, c.ID)
	})
	if err != nil {
		return nil, err
	}
	return w.store.TestCycleByID(ctx, id)
}

// copyCases puts the test cases of a cycle into another.
func (w *Workspace) copyCases(ctx context.Context, ch *change, from, to uuid.UUID) error {
	after := int64(0)
	for {
		cases, err := ch.CasesIn(ctx, from, after, copyPage)
		if err != nil || len(cases) == 0 {
			return err
		}
		if err := w.putCases(ctx, ch, to, cases); err != nil {
			return err
		}
		after = cases[len(cases)-1].Number
	}
}

// AddFoundToCycle puts the test cases into a cycle that a query chooses.
func (w *Workspace) AddFoundToCycle(ctx context.Context, p *credential.Principal, n Numbered, q CaseQuery) (*store.TestCycle, error) {
	q.Section = Section{1, findPage}
	var all []store.TestCase
	for {
		cases, total, err := w.TestCases(ctx, p, n.Project, q)
		if err != nil {
			return nil, err
		}
		if total > mostFound {
			return nil, credential.InvalidField("query", "it chooses more than %d test cases; narrow it", mostFound)
		}
		for _, c := range cases {
			all = append(all, store.TestCase{ID: c.ID, Number: c.Number}) // and not what it says, which may be long
		}
		if len(cases) < findPage {
			break
		}
		q.After = cases[len(cases)-1].Number
	}
	c, err := w.changeCycle(ctx, p, n, func(ch *change, c *store.TestCycle) error {
		ch.record("test_cycle.add", cycleTarget(c), cycleDetail{Project: c.Project, Number: c.Number, Cases: len(all)})
		return w.putCases(ctx, ch, c.ID, all)
	})
	if err != nil {
		return nil, err
	}
	return w.store.TestCycleByID(ctx, c.ID)
}

// CycleGroups counts the executions of a test cycle by how they went.
func (w *Workspace) CycleGroups(ctx context.Context, p *credential.Principal, n Numbered) (*store.TestCycle, []store.ExecutionGroup, error) {
	c, err := w.TestCycle(ctx, p, n)
	if err != nil {
		return nil, nil, err
	}
	groups, err := w.store.ExecutionGroups(ctx, c.ID)
	return c, groups, err
}

// CaseGroups counts the test cases of a project by what they are.
func (w *Workspace) CaseGroups(ctx context.Context, p *credential.Principal, ref store.ProjectRef) ([]store.CaseGroup, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.TestsRead})
	if err != nil {
		return nil, err
	}
	return w.store.CaseGroups(ctx, project.ID)
}
