package workspace

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The words for products and what belongs to them.
var (
	productTypes     = []string{"webapp", "api", "mobile"}
	environmentTypes = []string{"development", "staging", "production"}
	buildStatuses    = []string{"pending", "active", "archived"}
	releaseStatuses  = []string{"planned", "active", "released"}
)

// ProductRequest says something else of a project. What is nil stays.
type ProductRequest struct{ Description, Type *string }

// ChangeProduct says something else of a project than it is called.
func (w *Workspace) ChangeProduct(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r ProductRequest) error {
	err := w.change(ctx, p, want{ref, credential.ProjectsWrite}, func(ch *change) (err error) {
		before := *ch.project
		if r.Description != nil {
			if ch.project.Description, err = credential.CheckProse("description", *r.Description, mostCaseText); err != nil {
				return err
			}
		}
		if r.Type != nil {
			if ch.project.ProductType, err = oneOf("product_type", strings.ToLower(*r.Type), productTypes); err != nil {
				return err
			}
		}
		if *ch.project == before {
			return errUnchanged
		}
		ch.record("project.update", "project:"+ch.project.ID.String(), productDetail{Project: ch.project.ID})
		return ch.UpdateProject(ctx, ch.project)
	})
	return done(err)
}

// productDetail is the detail of the events of products.
type productDetail struct {
	Project uuid.UUID `json:"project"`
	Made    bool      `json:"made,omitempty"`
	State   string    `json:"state,omitempty"`
}

// EnvironmentRequest names an environment, and says what it is. Empty and nil
// fields stay as they are.
type EnvironmentRequest struct {
	Name, Type string
	Usual      *bool
}

// SetEnvironment makes an environment of a project, or says something else of
// the one that is called so. The first is the usual one.
func (w *Workspace) SetEnvironment(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r EnvironmentRequest) (e *store.Environment, made bool, err error) {
	if r.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, false, err
	}
	if r.Type, err = optionally("type", r.Type, environmentTypes); err != nil {
		return nil, false, err
	}
	err = w.change(ctx, p, want{ref, credential.ProjectsWrite}, func(ch *change) error {
		if e, err = ch.EnvironmentNamed(ctx, ch.project.ID, r.Name); err != nil {
			return err
		}
		if made = e == nil; made {
			_, others, err := ch.EnvironmentsOf(ctx, ch.project.ID, store.Page{})
			if err != nil {
				return err
			}
			e = &store.Environment{Project: ch.project.ID, Name: r.Name, Type: environmentTypes[0], Usual: others == 0, Maker: ch.maker(), CreatedAt: ch.at}
			if e.ID, err = w.newID(); err != nil {
				return err
			}
		}
		if r.Type != "" {
			e.Type = r.Type
		}
		if r.Usual != nil {
			if e.Usual && !*r.Usual {
				return credential.InvalidField("is_default", "make another environment the default one")
			}
			e.Usual = *r.Usual
		}
		ch.record("environment.set", "environment:"+e.ID.String(), productDetail{ch.project.ID, made, e.Type})
		return ch.SaveEnvironment(ctx, e)
	})
	return e, made, err
}

// optionally is oneOf for a word that may be left out.
func optionally(field, text string, values []string) (string, error) {
	if text == "" {
		return "", nil
	}
	return oneOf(field, strings.ToLower(text), values)
}

// SetBuild makes a build of a project, or finds the one of that version and
// (status not empty) says what has become of it.
func (w *Workspace) SetBuild(ctx context.Context, p *credential.Principal, ref store.ProjectRef, version, status string) (b *store.Build, made bool, err error) {
	if version, err = credential.CheckName("version", version); err != nil {
		return nil, false, err
	}
	if status, err = optionally("status", status, buildStatuses); err != nil {
		return nil, false, err
	}
	err = w.change(ctx, p, want{ref, credential.ProjectsWrite}, func(ch *change) error {
		if b, err = ch.BuildOf(ctx, ch.project.ID, version); err != nil {
			return err
		}
		if made = b == nil; made {
			b = &store.Build{Project: ch.project.ID, Version: version, Status: "active", Maker: ch.maker(), CreatedAt: ch.at}
			if b.ID, err = w.newID(); err != nil {
				return err
			}
		}
		if !made && (status == "" || status == b.Status) {
			return errUnchanged
		}
		if status != "" {
			b.Status = status
		}
		ch.record("build.set", "build:"+b.ID.String(), productDetail{ch.project.ID, made, b.Status})
		return ch.SaveBuild(ctx, b)
	})
	return b, made, done(err)
}

// SetRelease makes a release of a project, or finds the one of that name and
// (status not empty) says what has become of it.
func (w *Workspace) SetRelease(ctx context.Context, p *credential.Principal, ref store.ProjectRef, name, status string) (r store.Release, made bool, err error) {
	if name, err = credential.CheckName("name", name); err != nil {
		return r, false, err
	}
	if status, err = optionally("status", status, releaseStatuses); err != nil {
		return r, false, err
	}
	err = w.change(ctx, p, want{ref, credential.ProjectsWrite}, func(ch *change) error {
		if r, made, err = w.releaseLabelled(ctx, ch, name); err != nil {
			return err
		}
		if made && status == "" {
			status = "planned"
		}
		if !made && (status == "" || status == r.Status) {
			return errUnchanged
		}
		r.Status = status
		ch.record("release.set", "release:"+r.ID.String(), productDetail{ch.project.ID, made, r.Status})
		return ch.SetReleaseStatus(ctx, r.ID, r.Status)
	})
	return r, made, done(err)
}

// Environments lists the environments of a project, the latest first.
func (w *Workspace) Environments(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s Section) ([]store.Environment, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.ProjectsRead}, s}, w.store.EnvironmentsOf)
}

// Builds lists the builds of a project, the latest first.
func (w *Workspace) Builds(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s Section) ([]store.Build, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.ProjectsRead}, s}, w.store.BuildsOf)
}

// ReleasePage lists the releases of a project, the latest first.
func (w *Workspace) ReleasePage(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s Section) ([]store.Release, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.ProjectsRead}, s}, w.store.ReleasesOf)
}

// People lists the members of a project.
func (w *Workspace) People(ctx context.Context, p *credential.Principal, ref store.ProjectRef, s Section) ([]store.PersonIn, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.MembersRead}, s}, w.store.PeopleIn)
}

// reading is who reads which part of what, and in which project.
type reading struct {
	by   *credential.Principal
	what want
	part Section
}

// belonging reads a page of what belongs to a project.
func belonging[T any](ctx context.Context, w *Workspace, r reading, list func(context.Context, uuid.UUID, store.Page) ([]T, int64, error)) ([]T, int64, error) {
	project, err := find(ctx, w.store, r.by, r.what)
	if err != nil {
		return nil, 0, err
	}
	without, err := r.part.Skip()
	if err != nil {
		return nil, 0, err
	}
	return list(ctx, project.ID, store.Page{Without: without, Limit: r.part.Limit})
}
