package workspace

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Access finds a project of an organization, and what the principal may do in
// it. One that is archived only may be read, whatever that says.
func (w *Workspace) Access(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (*store.Project, credential.PermissionSet, error) {
	if _, err := w.store.ProjectIn(ctx, organization, store.ProjectRef{ID: id}); err != nil {
		return nil, 0, err
	}
	project, access, err := seen(ctx, w.store, p, store.ProjectRef{ID: id})
	if err != nil {
		return nil, 0, err
	}
	return project, p.Within(access), nil
}

// OpenIssues counts the issues of a project that aren't done, by priority.
func (w *Workspace) OpenIssues(ctx context.Context, p *credential.Principal, ref store.ProjectRef) (map[string]int, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	return w.store.OpenIssues(ctx, project.ID)
}

// mostChoices bounds what is offered to choose from.
const mostChoices = 200

// Assignable lists who may see to the issues of a project.
func (w *Workspace) Assignable(ctx context.Context, p *credential.Principal, ref store.ProjectRef) ([]store.Person, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	return w.store.Assignable(ctx, project.ID, mostChoices)
}

// SearchIssues lists the issues of a filter that have the words of a text, the
// newest first.
func (w *Workspace) SearchIssues(ctx context.Context, p *credential.Principal, ref store.ProjectRef, text string, f store.IssueFilter) ([]store.Issue, error) {
	project, err := w.Project(ctx, p, ref, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	if err := checkFilter(&f); err != nil {
		return nil, err
	}
	f.Project = project.ID
	if text != "" {
		if f.IDs, err = w.store.Search(ctx, store.Scope{Noun: "issue", Project: project.ID}, text); err != nil || len(f.IDs) == 0 {
			return nil, aboutField(err, "q")
		}
	}
	return w.store.Issues(ctx, f)
}

// CaseChoices are the folders and the labels of a project's test cases.
func (w *Workspace) CaseChoices(ctx context.Context, p *credential.Principal, ref store.ProjectRef) (folders, labels []string, err error) {
	project, err := find(ctx, w.store, p, want{ref, credential.TestsRead})
	if err != nil {
		return nil, nil, err
	}
	if folders, err = w.store.Folders(ctx, project.ID, mostChoices); err != nil {
		return nil, nil, err
	}
	labels, err = w.store.CaseLabels(ctx, project.ID, mostChoices)
	return folders, labels, err
}

// RunChoices are the names and the branches of a project's runs: the first in
// the order of the alphabet.
func (w *Workspace) RunChoices(ctx context.Context, p *credential.Principal, ref store.ProjectRef) (names, branches []string, err error) {
	const most = 50
	project, err := find(ctx, w.store, p, want{ref, credential.ResultsRead})
	if err != nil {
		return nil, nil, err
	}
	if names, err = w.store.RunNames(ctx, project.ID, most); err != nil {
		return nil, nil, err
	}
	branches, err = w.store.RunBranches(ctx, project.ID, most)
	return names, branches, err
}

// CaseHistory lists how a test case went in the cycles of its project: in the
// master cycle first, then in at most so many of the others.
func (w *Workspace) CaseHistory(ctx context.Context, p *credential.Principal, ref store.ProjectRef, c *store.TestCase, most int) ([]store.Execution, error) {
	others, _, err := w.FindExecutions(ctx, p, ref, ExecutionQuery{Case: c.ID, Section: Section{Page: 1, Limit: most}})
	if err != nil {
		return nil, err
	}
	master, err := w.store.Executions(ctx, store.ExecutionFilter{Cycle: c.Project, After: c.Number - 1}, 0, 1)
	if err == nil && len(master) > 0 && master[0].CaseNumber == c.Number {
		others = append(master, others...)
	}
	return others, err
}
