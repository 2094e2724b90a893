package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Acting is a principal that changes something at a moment.
type Acting struct {
	By    *credential.Principal
	At    time.Time
	Modes []string // of credentials that the installation accepts; nil: all
}

// Event begins the audit event of what is done; detail is a JSON object.
func (a Acting) Event(action, target, detail string) audit.Event {
	e := audit.Event{At: a.At, Actor: a.By.String(), Action: action, Target: target, Request: a.By.RequestID, Detail: detail}
	if a.By.Subject != uuid.Nil {
		e.Subject = string(a.By.SubjectType) + ":" + a.By.Subject.String()
	}
	if a.By.Console != uuid.Nil {
		e.Subject = "console:" + a.By.Console.String()
	}
	if a.By.Address.IsValid() {
		e.Address = a.By.Address.String()
	}
	return e
}

// Still refuses a principal that is no longer what it was when it was let in:
// since then its credential may have been revoked, or its rights taken away,
// and that has been answered.
func (t *Tx) Still(ctx context.Context, a Acting) error {
	p := a.By
	if p.Console != uuid.Nil {
		return t.consoleStill(ctx, p.Console, a.At)
	}
	if p.Credential == nil {
		return nil
	}
	standing, err := t.standingOf(ctx, p)
	if err != nil && !errors.Is(err, credential.NotFound) {
		return err
	}
	if err != nil {
		return credential.Errorf(credential.Unauthenticated, "the credential doesn't work any more")
	}
	if p.Token != nil {
		ended, err := t.TokenEnded(ctx, TokenMark(p.Token.ID))
		if err != nil {
			return err
		}
		if ended {
			return credential.Errorf(credential.Unauthenticated, "the access token doesn't work any more")
		}
		standing = standing.Narrowed(p.Credential.Scopes, p.Credential.Project)
	}
	d := credential.Evaluate(standing, credential.Request{Address: p.Address, Modes: a.Modes, Now: a.At})
	switch {
	case d.Code != credential.OK && d.Code != credential.CodeAddress: // which was checked with the address it came from
		return credential.Errorf(credential.Unauthenticated, "the credential doesn't work any more")
	case d.Principal.Role != p.Role, d.Principal.Permissions != p.Permissions:
		return credential.Errorf(credential.Conflict, "what you may do has changed meanwhile; repeat the call")
	}
	return nil
}

// standingOf reads, within a change, how a principal stands.
func (t *Tx) standingOf(ctx context.Context, p *credential.Principal) (*credential.Standing, error) {
	if p.Credential.Scheme.Kind == credential.Session {
		return t.SessionStanding(ctx, p.Credential.ID, p.Organization)
	}
	return t.Standing(ctx, p.Credential.ID, p.Generation)
}

// ProjectFor finds a project in the organization of a principal, or anywhere
// for one above all of them, with the access that the principal's user has to
// it. Whether the principal may see it is another question.
func (r reader) ProjectFor(ctx context.Context, p *credential.Principal, ref ProjectRef) (*Project, credential.ProjectAccess, error) {
	var (
		project Project
		role    sql.NullString
		user    uuid.UUID
	)
	if p.SubjectType == credential.SubjectUser {
		user = p.Subject
	}
	where, arg := ref.where()
	missing := credential.Errorf(credential.NotFound, "no such project")
	within := `p.organization_id = $1`
	if p.InstallationWide() { // whose own organization is nobody's
		within = `p.organization_id <> $1`
		if ref.OrganizationNumber != 0 {
			return nil, credential.ProjectAccess{}, missing
		}
	}
	err := r.q.QueryRowContext(ctx, `
		SELECT `+projectColumns+`, pm.role FROM projects p
		LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = $3
		WHERE `+within+` AND p.deleted_at IS NULL AND `+where, p.Organization, arg, user).Scan(append(project.targets(), &role)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.ProjectAccess{}, missing
	}
	if err != nil {
		return nil, credential.ProjectAccess{}, r.fail("read a project", err)
	}
	return &project, credential.ProjectAccess{ID: project.ID, Active: project.ArchivedAt.IsZero(), Role: credential.ProjectRole(role.String)}, nil
}

// ProjectExists reports whether any organization has a project with an id or
// with a number of the installation.
func (r reader) ProjectExists(ctx context.Context, ref ProjectRef) (exists bool, err error) {
	where, arg := ref.where()
	err = r.q.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM projects p WHERE p.organization_id <> $1 AND p.deleted_at IS NULL AND `+where+`)`, uuid.Nil, arg).Scan(&exists)
	if err != nil {
		return false, r.fail("look for a project", err)
	}
	return exists, nil
}
