package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The words for test cases. The place of a priority is what is stored.
var (
	casePriorities = []string{"critical", "high", "medium", "low", "trivial"}
	caseStatuses   = []string{"draft", "ready", "deprecated"}
	caseTypes      = []string{"functional", "regression", "smoke", "integration", "performance", "security", "usability", "accessibility", "exploratory", "other"}
	testTypes      = []string{"manual", "automated", "exploratory"}
	executionTypes = []string{"manual", "automated"}
	automation     = []string{"not_automated", "candidate", "automated"}
)

// Bounds of what is said of a test case, in characters unless they count.
const (
	mostCaseTitle  = 255
	mostCaseText   = 10_000
	mostStepText   = 2_000
	mostStepsText  = 240_000 // of all steps together
	mostCaseSteps  = 100     // how many
	mostLabels     = 20      // how many
	mostLabel      = 50
	mostFolder     = 200
	mostReferences = 20 // how many
	mostReference  = 500
	mostComponent  = 200
	mostOwner      = 255
	mostAttached   = 20 // names at a step
	mostAttachment = 255
)

// CaseRequest says what a test case is, or what changes of it. What is nil
// stays as it is.
type CaseRequest struct {
	Title, Description, Preconditions *string
	Priority, Type, Status, Folder    *string
	Labels, References                *[]string
	Steps                             *[]store.TestStep
	// TestType decides the ExecutionType, and that the AutomationStatus, where
	// they aren't said themselves.
	TestType, ExecutionType, AutomationStatus *string
	Component, Owner                          *string
	Custom                                    map[string]string // all of them; nil leaves them as they are
	// Version is the one that the change was made to; 0 is whichever there is.
	Version int64
	Repeat  *Repeat
}

// Numbered names something in a project by its number there.
type Numbered struct {
	Project store.ProjectRef
	Number  int64
}

// making names a call about it that is done once.
func (n Numbered) making(call string, r *Repeat) making {
	return making{fmt.Sprintf("%s %s %d %d %d", call, n.Project.ID, n.Project.Number, n.Project.OrganizationNumber, n.Number), r}
}

// CreateTestCase makes a test case. It needs a title only.
func (w *Workspace) CreateTestCase(ctx context.Context, p *credential.Principal, project store.ProjectRef, r CaseRequest) (*store.TestCase, error) {
	if r.Title == nil {
		return nil, credential.InvalidField("title", "say what is tested")
	}
	c := &store.TestCase{CaseContent: store.CaseContent{Priority: slices.Index(casePriorities, "medium"), Type: "functional", Status: "draft",
		TestType: "manual", ExecutionType: "manual", AutomationStatus: "not_automated"}}
	if err := r.apply(&c.CaseContent); err != nil {
		return nil, err
	}
	wanted := want{project, credential.TestsWrite}
	id, err := w.make(ctx, p, wanted, Numbered{Project: project}.making("create test case", r.Repeat), func(ch *change) (id uuid.UUID, err error) {
		var execution uuid.UUID
		if c.ID, err = w.newID(); err == nil {
			execution, err = w.newID()
		}
		if err != nil {
			return id, err
		}
		c.Project, c.CreatedAt, c.Maker = ch.project.ID, ch.at, ch.maker()
		if err := ch.InsertTestCase(ctx, c, execution); err != nil {
			return id, err
		}
		ch.record("test_case.create", "test_case:"+c.ID.String(), caseDetail{ch.project.ID, c.Number, 1})
		return c.ID, findable(ctx, ch, c)
	})
	if err != nil {
		return nil, err
	}
	if c.ID == id {
		return c, nil
	}
	return w.store.TestCaseByID(ctx, id) // of the call that this one repeats
}

// caseScope is where the test cases of a project are searched for.
func caseScope(p *store.Project) store.Scope { return store.Scope{Noun: "testcase", Project: p.ID} }

// findable has a test case found by its words and its number.
func findable(ctx context.Context, ch *change, c *store.TestCase) error {
	text := []string{fmt.Sprintf("TC %d", c.Number), c.Title, c.Description, c.Preconditions}
	text = append(text, c.Labels...)
	for _, name := range slices.Sorted(maps.Keys(c.Custom)) {
		text = append(text, name, c.Custom[name])
	}
	for _, s := range c.Steps {
		text = append(text, s.Action, s.ExpectedResult)
	}
	return ch.Index(ctx, caseScope(ch.project), c.ID, strings.Join(append(text, c.References...), " "))
}

// caseDetail is the detail of the events of test cases.
type caseDetail struct {
	Project uuid.UUID `json:"project"`
	Number  int64     `json:"number"`
	Version int64     `json:"version,omitempty"`
}

// make is once in a project.
func (w *Workspace) make(ctx context.Context, p *credential.Principal, wanted want, m making, fn func(*change) (uuid.UUID, error)) (uuid.UUID, error) {
	if _, err := find(ctx, w.store, p, wanted); err != nil {
		return uuid.Nil, err
	}
	return w.once(ctx, p, m, func(ch *change) (id uuid.UUID, err error) {
		if ch.project, err = find(ctx, ch.Tx, p, wanted); err != nil {
			return id, err
		}
		if !ch.project.ArchivedAt.IsZero() {
			return id, credential.Errorf(credential.Conflict, "the project is archived; restore it first")
		}
		return fn(ch)
	})
}

// maker is who makes the rows of the change.
func (c *change) maker() store.Maker { return store.Maker{Credential: c.madeBy(), User: c.user()} }

// TestCase finds a test case.
func (w *Workspace) TestCase(ctx context.Context, p *credential.Principal, n Numbered) (*store.TestCase, error) {
	project, err := find(ctx, w.store, p, want{n.Project, credential.TestsRead})
	if err != nil {
		return nil, err
	}
	return w.store.TestCaseIn(ctx, project.ID, n.Number)
}

// ChangeTestCase says something else of a test case, which makes the next
// version of it. What changes nothing makes none.
func (w *Workspace) ChangeTestCase(ctx context.Context, p *credential.Principal, n Numbered, r CaseRequest) (c *store.TestCase, err error) {
	err = w.change(ctx, p, want{n.Project, credential.TestsWrite}, func(ch *change) error {
		if c, err = ch.TestCaseIn(ctx, ch.project.ID, n.Number); err != nil {
			return err
		}
		if err := unchanged(c.Version, r.Version); err != nil {
			return err
		}
		made, before := c.Maker, c.CaseContent
		if err := r.apply(&c.CaseContent); err != nil {
			return err
		}
		if reflect.DeepEqual(before, c.CaseContent) {
			return errUnchanged
		}
		c.Version, c.UpdatedAt, c.Maker = c.Version+1, ch.at, ch.maker()
		ch.record("test_case.update", "test_case:"+c.ID.String(), caseDetail{ch.project.ID, c.Number, c.Version})
		err := ch.UpdateTestCase(ctx, c)
		c.Maker = made
		if err != nil {
			return err
		}
		return findable(ctx, ch, c)
	})
	return c, done(err)
}

// done takes away that there was nothing to do.
func done(err error) error {
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// unchanged refuses a change to another version than there is.
func unchanged(is, wanted int64) error {
	if wanted != 0 && wanted != is {
		return credential.Errorf(credential.Conflict, "it has changed meanwhile: this is version %d by now; read it again", is)
	}
	return nil
}

// DeleteTestCase takes a test case away.
func (w *Workspace) DeleteTestCase(ctx context.Context, p *credential.Principal, n Numbered) error {
	return w.change(ctx, p, want{n.Project, credential.TestsWrite}, func(ch *change) error {
		c, err := ch.TestCaseIn(ctx, ch.project.ID, n.Number)
		if err != nil {
			return err
		}
		ch.record("test_case.delete", "test_case:"+c.ID.String(), caseDetail{ch.project.ID, c.Number, c.Version})
		if err := ch.Index(ctx, caseScope(ch.project), c.ID, ""); err != nil {
			return err
		}
		return ch.DeleteTestCase(ctx, c, ch.at)
	})
}

// Section is a part of a list: the how manieth page, from 1, of how many.
type Section struct{ Page, Limit int }

// Skip is how many items stand before the section. Lists are paged up to a
// bound only.
func (s Section) Skip() (int, error) {
	if s.Page > store.MostCounted/s.Limit {
		return 0, credential.InvalidField("page", "a list is paged up to its item %d; filter it, or go on with after, the id that came last", store.MostCounted)
	}
	return (s.Page - 1) * s.Limit, nil
}

// TestCases lists the test cases of a project that a filter chooses, in the
// order of their numbers. Of a filter's results at most store.MostCounted are
// counted.
func (w *Workspace) TestCases(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q CaseQuery) ([]store.TestCase, int64, error) {
	project, err := find(ctx, w.store, p, want{ref, credential.TestsRead})
	if err != nil {
		return nil, 0, err
	}
	f, err := q.filter(project.ID)
	if err != nil {
		return nil, 0, err
	}
	without, err := q.Skip()
	if err != nil {
		return nil, 0, err
	}
	if q.Search != "" {
		if f.IDs, err = w.store.Search(ctx, caseScope(project), q.Search); err != nil || len(f.IDs) == 0 {
			return nil, 0, aboutField(err, "search")
		}
	}
	cases, err := w.store.TestCases(ctx, f, without, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	total, err := w.store.CountTestCases(ctx, f)
	return cases, total, err
}

// aboutField gives an error about a value the name of its field.
func aboutField(err error, field string) error {
	var e *credential.Error
	if errors.As(err, &e) && e.Kind == credential.Invalid {
		return credential.InvalidField(field, "%s", e.Detail)
	}
	return err
}

// CaseQuery asks for a part of the test cases. What is empty chooses all.
type CaseQuery struct {
	Status, Type, Priority, Folder, Label, Reference string
	TestType, ExecutionType                          string
	Search                                           string // words; of what has them all the latest store.MostFound are listed
	Automation, After                                int64
	Section
}

func (q *CaseQuery) filter(project uuid.UUID) (f store.CaseFilter, err error) {
	f = store.CaseFilter{Project: project, Automation: q.Automation, After: q.After}
	if f.Label, err = credential.CheckProse("label", q.Label, mostLabel); err != nil {
		return f, err
	}
	if f.Reference, err = credential.CheckProse("automationRef", q.Reference, mostReference); err != nil {
		return f, err
	}
	for _, choice := range []struct {
		field, from string
		to          *string
		of          []string
	}{{"status", q.Status, &f.Status, caseStatuses}, {"type", q.Type, &f.Type, caseTypes}, {"test_type", q.TestType, &f.TestType, testTypes},
		{"execution_type", q.ExecutionType, &f.ExecutionType, executionTypes}} {
		if choice.from != "" {
			if *choice.to, err = oneOf(choice.field, strings.ToLower(choice.from), choice.of); err != nil {
				return f, err
			}
		}
	}
	if q.Priority != "" {
		priority, err := PriorityOf(q.Priority)
		if err != nil {
			return f, err
		}
		f.Priority = &priority
	}
	if q.Folder != "" {
		f.Folder, err = folderPath(q.Folder)
	}
	return f, err
}

// CaseVersions lists versions of a test case below before (0: all), the latest
// first.
func (w *Workspace) CaseVersions(ctx context.Context, p *credential.Principal, n Numbered, before int64) ([]store.CaseVersion, error) {
	const page = 50
	c, err := w.TestCase(ctx, p, n)
	if err != nil {
		return nil, err
	}
	return w.store.CaseVersions(ctx, c.ID, before, page)
}

// CaseVersion finds a version of a test case.
func (w *Workspace) CaseVersion(ctx context.Context, p *credential.Principal, n Numbered, version int64) (*store.CaseVersion, error) {
	c, err := w.TestCase(ctx, p, n)
	if err != nil {
		return nil, err
	}
	found, err := w.store.CaseVersions(ctx, c.ID, version+1, 1)
	if err == nil && (len(found) == 0 || found[0].Version != version) {
		err = credential.Errorf(credential.NotFound, "no such version of the test case")
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}
