package rest

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// credentialOf shows a credential.
func credentialOf(d *authority.Detail) api.Credential {
	c := d.Credential
	if c == nil {
		out := api.Credential{ID: d.Damaged.String(), State: "damaged", Scopes: []string{}}
		if d.State == credential.Revoked {
			out.State = string(credential.Revoked)
		}
		return out
	}
	out := api.Credential{
		ID: c.ID.String(), Name: c.Name, Scheme: c.Scheme.Name, Kind: string(c.Scheme.Kind), Mode: c.Scheme.Mode,
		Organization: idText(c.Organization), Project: idText(c.Project), User: idText(c.User), ClientID: c.ClientID, KeyIDs: d.KeyIDs,
		Scopes: texts(c.Scopes), State: string(d.State), RateLimit: c.RateLimit,
		CreatedAt: c.CreatedAt, CreatedBy: c.CreatedBy, NotBefore: instant(c.NotBefore), ExpiresAt: instant(c.ExpiresAt),
		SuspendedAt: instant(c.SuspendedAt), RevokedAt: instant(c.RevokedAt),
		LastUsedAt: instant(d.Use.At), LastUsedAgent: d.Use.UserAgent, Version: d.Version(),
	}
	if d.Use.Address.IsValid() {
		out.LastUsedAddress = d.Use.Address.String()
	}
	for _, prefix := range c.AllowedAddresses {
		out.AllowedAddresses = append(out.AllowedAddresses, prefix.String())
	}
	atFirstUse := false
	for _, s := range d.Secrets { // the current one first
		if s.Generation == c.Generation {
			atFirstUse = s.TakesOver
			out.Hint, out.Fingerprint = s.Hint, s.Fingerprint
			if c.Scheme.Kind == credential.TrustRule { // of which there is no secret
				out.Fingerprint = ""
			}
		} else if d.State != credential.Revoked {
			out.Predecessor = &api.Predecessor{Fingerprint: s.Fingerprint, EndsAt: s.EndsAt, AtFirstUse: atFirstUse}
		}
	}
	return out
}

// shown passes on a result of the authority.
func shown(d *authority.Detail, err error) (api.Credential, error) {
	if err != nil {
		return api.Credential{}, err
	}
	return credentialOf(d), nil
}

// issued is the one place where a secret is written into an answer.
func issued(i *authority.Issued, err error) (api.IssuedCredential, error) {
	if err != nil {
		return api.IssuedCredential{}, err
	}
	return api.IssuedCredential{Credential: credentialOf(&i.Detail), Secret: i.Secret.Reveal()}, nil
}

func organizationOf(o *store.Organization) api.Organization {
	out := api.Organization{
		ID: o.ID.String(), Number: o.Number, BunShipID: authority.PublicID("org", o.ID), Name: o.Name, State: "active",
		CreatedAt: o.CreatedAt, SuspendedAt: instant(o.SuspendedAt), Version: authority.OrganizationVersion(o),
	}
	if out.SuspendedAt != nil {
		out.State = "suspended"
	}
	return out
}

func userOf(m *store.Member) api.User {
	return api.User{
		ID: m.ID.String(), Number: m.Number, Email: m.Email, Name: m.Name, Role: string(m.Role), State: stateOf(&m.User), Service: m.Service, CreatedAt: m.CreatedAt,
		Version: authority.MemberVersion(m),
	}
}

func stateOf(u *store.User) string {
	if u.DeactivatedAt.IsZero() {
		return "active"
	}
	return "deactivated"
}

func projectOf(p *store.Project) api.Project {
	out := api.Project{
		ID: p.ID.String(), Organization: p.Organization.String(), Name: p.Name, State: "active", CreatedAt: p.CreatedAt,
		BetaHubID: fmt.Sprintf("pr-%d", p.Number), TestKaseID: fmt.Sprintf("PRJ-%d", p.OrganizationNumber), ArchivedAt: instant(p.ArchivedAt), Version: authority.ProjectVersion(p),
	}
	if out.ArchivedAt != nil {
		out.State = "archived"
	}
	return out
}

func eventOf(e *audit.Event) api.Event {
	return api.Event{
		Chain: e.Chain.String(), Sequence: e.Sequence, At: e.At, Actor: e.Actor, Subject: e.Subject, Action: e.Action, Target: e.Target,
		Address: e.Address, Request: e.Request, Detail: e.Detail, Previous: hex.EncodeToString(e.Previous), Hash: hex.EncodeToString(e.Hash),
	}
}

// texts turns a list of a string type into strings; never nil, so that it is
// an empty list on the wire.
func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = string(item)
	}
	return out
}

func scopes(list []string) []credential.Scope {
	out := make([]credential.Scope, len(list))
	for i, item := range list {
		out[i] = credential.Scope(item)
	}
	return out
}

// instant shows a time, or nothing for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// idText shows an id, or nothing for the nil id.
func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
