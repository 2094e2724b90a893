package workspace

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// CaseAt names a test case by its id alone. One whose project the principal
// doesn't see is answered like one that isn't there.
func (w *Workspace) CaseAt(ctx context.Context, p *credential.Principal, id uuid.UUID) (Numbered, error) {
	c, err := w.store.TestCaseByID(ctx, id)
	if err != nil {
		return Numbered{}, err
	}
	n := Numbered{store.ProjectRef{ID: c.Project}, c.Number}
	return n, w.within(ctx, p, c.Project, "test case")
}

// RunAt names a test cycle by its id alone: one that somebody made, and not the
// master cycle of a project.
func (w *Workspace) RunAt(ctx context.Context, p *credential.Principal, id uuid.UUID) (Numbered, error) {
	c, err := w.store.MadeCycle(ctx, id)
	if err != nil {
		return Numbered{}, err
	}
	n := Numbered{store.ProjectRef{ID: c.Project}, c.Number}
	return n, w.within(ctx, p, c.Project, "run")
}

// within refuses what is in a project that the principal doesn't see.
func (w *Workspace) within(ctx context.Context, p *credential.Principal, project uuid.UUID, noun string) error {
	_, _, err := seen(ctx, w.store, p, store.ProjectRef{ID: project})
	if errors.Is(err, credential.NotFound) {
		return credential.Errorf(credential.NotFound, "no such %s", noun)
	}
	return err
}

// CaseNumbers finds the numbers of test cases of a project by their ids.
func (w *Workspace) CaseNumbers(ctx context.Context, p *credential.Principal, ref store.ProjectRef, ids []uuid.UUID) (map[uuid.UUID]int64, error) {
	project, _, err := seen(ctx, w.store, p, ref)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if len(ids) > mostAdded {
		return nil, credential.InvalidField("test_case_ids", "at most %d at once", mostAdded)
	}
	cases, err := w.store.TestCases(ctx, store.CaseFilter{Project: project.ID, IDs: ids}, 0, len(ids))
	numbers := make(map[uuid.UUID]int64, len(cases))
	for i := range cases {
		numbers[cases[i].ID] = cases[i].Number
	}
	return numbers, err
}

// mostSlugged is how many projects are looked through for a slug.
const mostSlugged = 1_000

// ProjectSlugged finds, of the projects that a principal sees, the first whose
// name makes a slug: of the first thousand.
func (w *Workspace) ProjectSlugged(ctx context.Context, p *credential.Principal, slug string) (store.ProjectRef, error) {
	list, err := w.Projects(ctx, p, 0, mostSlugged)
	for i := range list.Projects {
		if slug != "" && Slug(list.Projects[i].Name) == slug {
			return store.ProjectRef{ID: list.Projects[i].ID}, nil
		}
	}
	if err == nil {
		err = credential.Errorf(credential.NotFound, "no such project")
	}
	return store.ProjectRef{}, err
}

// Slug is a name as it stands in addresses: "Space Game" is space-game.
func Slug(name string) string {
	var slug []byte
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case len(slug) == 0 || slug[len(slug)-1] == '-':
			continue
		default:
			c = '-'
		}
		slug = append(slug, c)
	}
	if n := len(slug); n > 0 && slug[n-1] == '-' {
		slug = slug[:n-1]
	}
	return string(slug)
}
