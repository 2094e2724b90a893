package authority

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Roster is a part of the members of an organization.
type Roster struct {
	Members []store.Member
	Owners  int               // in service, of the whole organization
	Held    map[uuid.UUID]int // how many credentials a member has there; nil for who doesn't look after them
}

// Roster returns the members of an organization that a filter chooses.
func (a *Authority) Roster(ctx context.Context, p *credential.Principal, organization uuid.UUID, f store.MemberFilter) (out Roster, err error) {
	if err := seesMembers(p, organization); err != nil {
		return out, err
	}
	if out.Members, err = a.store.FindMembers(ctx, organization, f); err != nil {
		return out, err
	}
	if out.Owners, err = a.store.CountOwners(ctx, organization); err != nil || !seesAll(p) {
		return out, err
	}
	users := make([]uuid.UUID, len(out.Members))
	for i := range out.Members {
		users[i] = out.Members[i].ID
	}
	out.Held, err = a.store.CredentialsHeld(ctx, organization, users)
	return out, err
}

// ManagesMembers reports whether a principal looks after the members of an
// organization.
func ManagesMembers(p *credential.Principal, organization uuid.UUID) bool {
	return managesMembers(p, organization) == nil
}

// PendingInvitations returns the invitations of an organization that nobody
// accepted, with an id below before (Nil: from the newest on), the newest first.
func (a *Authority) PendingInvitations(ctx context.Context, p *credential.Principal, organization, before uuid.UUID, limit int) ([]store.Invitation, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, err
	}
	return a.store.PendingInvitations(ctx, organization, before, limit)
}

// Sent counts what the endpoints of an organization were told since a time.
func (a *Authority) Sent(ctx context.Context, p *credential.Principal, hooks []store.Webhook, since time.Time) (map[uuid.UUID]store.Sent, error) {
	ids := make([]uuid.UUID, len(hooks))
	for i := range hooks {
		if err := mayHook(p, hooks[i].Organization, credential.WebhooksRead); err != nil {
			return nil, err
		}
		ids[i] = hooks[i].ID
	}
	return a.store.SentSince(ctx, ids, since)
}

// Delivery returns one event for an endpoint, and what came of it.
func (a *Authority) Delivery(ctx context.Context, p *credential.Principal, of WebhookRef, id uuid.UUID) (*store.Delivery, error) {
	w, err := a.Webhook(ctx, p, of)
	if err != nil {
		return nil, err
	}
	return a.store.DeliveryOf(ctx, w.ID, id)
}

// Event is an audit event.
type Event = audit.Event

// NamedEvents are audit events, with what the things are called that they name
// as "kind:id" in actor, subject and target.
type NamedEvents struct {
	Events []Event
	Names  map[string]string
}

// RecentEvents returns the audit events of an organization that a filter
// chooses, the latest first.
func (a *Authority) RecentEvents(ctx context.Context, p *credential.Principal, organization uuid.UUID, f store.EventFilter) (out NamedEvents, err error) {
	if err := mayAudit(p, organization); err != nil {
		return out, err
	}
	if out.Events, err = a.store.LatestEvents(ctx, organization, f, 0); err != nil {
		return out, err
	}
	out.Names, err = a.namesIn(ctx, organization, out.Events)
	return out, err
}

// namesIn finds what is called how of what events name. Of an endpoint that is
// its host: the rest of the URL may be what lets people in there.
func (a *Authority) namesIn(ctx context.Context, organization uuid.UUID, events []audit.Event) (map[string]string, error) {
	named := map[string][]uuid.UUID{}
	for i := range events {
		for _, text := range []string{events[i].Actor, events[i].Subject, events[i].Target} {
			kind, id, _ := strings.Cut(text, ":")
			if parsed, err := ParseID(id); err == nil && !slices.Contains(named[kind], parsed) {
				named[kind] = append(named[kind], parsed)
			}
		}
	}
	out := map[string]string{}
	for kind, ids := range named {
		found, err := a.store.NamesIn(ctx, organization, kind, ids)
		if err != nil {
			return nil, err
		}
		for id, name := range found {
			if u, err := url.Parse(name); kind == "webhook" && err == nil {
				name = u.Host
			}
			out[kind+":"+id.String()] = name
		}
	}
	return out, nil
}

// FindProjects returns the projects of the principal's organization that it
// sees and that a filter chooses, in the order of their creation. It is for
// users who have signed in.
func (a *Authority) FindProjects(ctx context.Context, p *credential.Principal, f store.ProjectFilter) ([]store.ListedProject, error) {
	if err := require(p, credential.ProjectsRead); err != nil {
		return nil, err
	}
	if !p.SignedIn() {
		return nil, credential.Errorf(credential.Forbidden, "this is for a user who has signed in")
	}
	f.Organization, f.User, f.All = p.Organization, p.Subject, p.Role.Manages()
	return a.store.FindProjects(ctx, f)
}

// TrustEvents tells whom a trust rule let in and turned away, the latest first.
// It is for those who look after the rule, and takes no right to the audit.
func (a *Authority) TrustEvents(ctx context.Context, p *credential.Principal, of TrustRef, limit int) ([]audit.Event, error) {
	project, err := a.trustProject(ctx, p, of, credential.CredentialsRead)
	if err != nil {
		return nil, err
	}
	rule, err := a.store.TrustRule(ctx, project.ID, of.ID)
	if err != nil {
		return nil, err
	}
	// By who did it, since that is what the store finds at once.
	admitted, err := a.store.LatestEvents(ctx, project.Organization, store.EventFilter{Actor: targetOf(rule.Credential), Action: "trust_rule.admit", Limit: limit}, 0)
	if err != nil {
		return nil, err
	}
	refused, err := a.store.LatestEvents(ctx, project.Organization, store.EventFilter{Actor: identityToken, Target: targetOf(rule.Credential), Limit: limit}, 0)
	all := append(admitted, refused...)
	slices.SortFunc(all, func(x, y audit.Event) int { return cmp.Compare(y.Sequence, x.Sequence) })
	return all[:min(len(all), limit)], err
}

// PendingInvitation returns an invitation of an organization that nobody accepted.
func (a *Authority) PendingInvitation(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) (*store.Invitation, error) {
	if err := managesMembers(p, organization); err != nil {
		return nil, err
	}
	return a.store.PendingInvitation(ctx, organization, id)
}

// CredentialsByScheme counts the credentials of an organization that weren't
// revoked, for those who look after all of them.
func (a *Authority) CredentialsByScheme(ctx context.Context, p *credential.Principal, organization uuid.UUID) (map[string]int, error) {
	if err := within(p, organization, credential.CredentialsRead); err != nil {
		return nil, err
	}
	if !seesAll(p) {
		return nil, credential.Errorf(credential.Forbidden, "this is for those who look after all credentials of the organization")
	}
	return a.store.CredentialsByScheme(ctx, organization)
}
