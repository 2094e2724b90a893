package rest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// policyRoutes are those of what organizations ask of their credentials.
func (h *handlers) policyRoutes() []edge.Route {
	return []edge.Route{
		edge.Get("/v1/organizations/{organization}/policy", edge.Needs(credential.OrganizationRead), h.getPolicy).
			Shown(nil, api.Policy{}).Named("getPolicy", "Show what an organization asks of its credentials."),
		edge.Put("/v1/organizations/{organization}/policy", edge.Needs(credential.OrganizationWrite), small, h.setPolicy).
			Shown(nil, api.Policy{}).Named("setPolicy", "Replace what an organization asks of its credentials. It takes an owner or admin who has signed in. The addresses hold from the next request on, the rest for what is made from now on.", credential.PreconditionFailed),
		edge.Get("/v1/organizations/{organization}/unused-credentials", edge.Needs(credential.CredentialsRead), h.listUnused).Takes("for", "limit", "cursor").
			Named("listUnused", "List the working credentials that nobody has used for some time (90d unless said): what a policy would suspend."),
		edge.Post("/v1/credential-revocations", edge.Needs(credential.CredentialsWrite), large, h.revokeMany).CostsNothing().
			Named("revokeCredentials", "Revoke many credentials of an organization at once, from the next request on."),
	}
}

// shownPolicy is a policy in an answer, whose tag isn't one of its members.
type shownPolicy struct {
	api.Policy
	tag string
}

// ETag is what If-Match takes.
func (p shownPolicy) ETag() string { return p.tag }

func (h *handlers) getPolicy(r *edge.Request, _ edge.None) (shownPolicy, error) {
	id, err := h.organization(r)
	if err != nil {
		return shownPolicy{}, err
	}
	p, err := h.authority.Policy(r.Context(), &r.Principal, id)
	if err != nil {
		return shownPolicy{}, err
	}
	return shownPolicy{policyOf(p), authority.PolicyVersion(p)}, nil
}

func (h *handlers) setPolicy(r *edge.Request, in api.Policy) (shownPolicy, error) {
	id, err := h.organization(r)
	if err != nil {
		return shownPolicy{}, err
	}
	p, err := h.policy(in)
	if err != nil {
		return shownPolicy{}, err
	}
	if err := h.authority.SetPolicy(r.Context(), &r.Principal, id, p); err != nil {
		return shownPolicy{}, err
	}
	return shownPolicy{policyOf(p), authority.PolicyVersion(p)}, nil
}

// policy reads a policy off the wire.
func (h *handlers) policy(in api.Policy) (p *credential.Policy, err error) {
	p = &credential.Policy{}
	for i, s := range in.Schemes {
		field := fmt.Sprintf("schemes.%d.", i)
		one := credential.SchemePolicy{ExpiryRequired: s.ExpiryRequired, IssuedBy: credential.Role(s.IssuedBy)}
		if one.Scheme, err = h.authority.Schemes().Find(field+"scheme", s.Scheme); err != nil {
			return nil, err
		}
		if one.MaxLifetime, err = span(field+"max_lifetime", s.MaxLifetime); err != nil {
			return nil, err
		}
		p.Schemes = append(p.Schemes, one)
	}
	if in.WithheldSchemes != nil {
		p.Withheld = []*credential.Scheme{}
	}
	for i, name := range in.WithheldSchemes {
		scheme, err := h.authority.Schemes().Find(fmt.Sprintf("withheld_schemes.%d", i), name)
		if err != nil {
			return nil, err
		}
		if !p.Withholds(scheme) {
			p.Withheld = append(p.Withheld, scheme)
		}
	}
	if p.SuspendUnusedAfter, err = span("suspend_unused_after", in.SuspendUnusedAfter); err != nil {
		return nil, err
	}
	p.AllowedAddresses, err = credential.ParseAddresses("allowed_addresses", in.AllowedAddresses)
	return p, err
}

// span reads a length of time that may be left out.
func span(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := credential.ParseSpan(field, text, credential.MaxLifetime)
	if err == nil && d == 0 {
		err = credential.InvalidField(field, "must be longer than 0; leave it out for no bound")
	}
	return d, err
}

func policyOf(p *credential.Policy) api.Policy {
	out := api.Policy{Schemes: []api.SchemePolicy{}, AllowedAddresses: []string{}, SuspendUnusedAfter: spelled(p.SuspendUnusedAfter)}
	for _, s := range p.Schemes {
		out.Schemes = append(out.Schemes, api.SchemePolicy{
			Scheme: s.Scheme.Name, MaxLifetime: spelled(s.MaxLifetime), ExpiryRequired: s.ExpiryRequired, IssuedBy: string(s.IssuedBy),
		})
	}
	for _, s := range p.Withheld {
		out.WithheldSchemes = append(out.WithheldSchemes, s.Name)
	}
	for _, a := range p.AllowedAddresses {
		out.AllowedAddresses = append(out.AllowedAddresses, a.String())
	}
	return out
}

// spelled writes a length of time as it is read; empty for none.
func spelled(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return credential.SpellSpan(d)
}

func (h *handlers) listUnused(r *edge.Request, _ edge.None) (out api.List[api.UnusedCredential], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r, "for")
	if err != nil {
		return out, err
	}
	req := authority.UnusedRequest{Organization: id, After: page.after, For: 90 * 24 * time.Hour, Limit: page.limit + 1}
	if text := r.Param("for"); text != "" {
		if req.For, err = span("for", text); err != nil {
			return out, err
		}
	}
	list, err := h.authority.Unused(r.Context(), &r.Principal, req)
	show := func(u store.Unused) api.UnusedCredential {
		return api.UnusedCredential{ID: u.ID.String(), Name: u.Name, UnusedSince: u.Since}
	}
	return paged(page, list, show, func(u api.UnusedCredential) string { return u.ID }), err
}

func (h *handlers) revokeMany(r *edge.Request, in api.RevokeCredentials) (api.RevokedCredentials, error) {
	ids := make([]uuid.UUID, len(in.Credentials))
	for i, text := range in.Credentials {
		id, err := authority.ParseID(text)
		if err != nil {
			return api.RevokedCredentials{}, credential.InvalidField(fmt.Sprintf("credentials.%d", i), "must be the id of a credential, a UUID")
		}
		ids[i] = id
	}
	outcomes, err := h.authority.RevokeMany(r.Context(), &r.Principal, ids, in.All)
	if err != nil {
		return api.RevokedCredentials{}, err
	}
	out := api.RevokedCredentials{Results: make([]api.RevokedOutcome, len(ids))}
	for i, outcome := range outcomes {
		out.Results[i] = api.RevokedOutcome{Credential: ids[i].String(), Outcome: string(outcome.Outcome), Damaged: outcome.Damaged}
		if outcome.Outcome == authority.NowRevoked {
			out.Revoked++
		}
	}
	return out, nil
}
