package rest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// trustRoutes are about the rules by which CI jobs are let in without a secret.
func (h *handlers) trustRoutes() []edge.Route {
	const list = "/v1/organizations/{organization}/projects/{project}/trust-rules"
	const one = list + "/{rule}"
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	return []edge.Route{
		edge.Post(list, write, small, h.createTrustRule).Creates().
			Named("createTrustRule", "Let the CI jobs of a repository in without a secret: they trade the identity token of a job for an access token of 15 minutes.", credential.Conflict, credential.LimitReached, credential.InProgress),
		edge.Get(list, read, h.listTrustRules).Takes("limit", "cursor").
			Named("listTrustRules", "List the trust rules of a project, the oldest first."),
		edge.Get(one, read, h.getTrustRule).
			Named("getTrustRule", "Show a trust rule."),
		edge.Patch(one, write, small, h.updateTrustRule).
			Named("updateTrustRule", "Change what a trust rule asks for. What is absent stays; the access tokens of before end.", credential.Conflict, credential.PreconditionFailed),
		edge.Delete(one, write, h.deleteTrustRule).CostsNothing().
			Named("deleteTrustRule", "Delete a trust rule, and with it the access tokens that stand on it, from the next request on.", credential.PreconditionFailed),
	}
}

// trustRef reads which rule the path names.
func (h *handlers) trustRef(r *edge.Request) (of authority.TrustRef, err error) {
	p, err := h.project(r)
	if err != nil {
		return of, err
	}
	of = authority.TrustRef{Organization: p.Organization, Project: store.ProjectRef{ID: p.ID}}
	if text := r.PathValue("rule"); text != "" {
		if of.ID, err = authority.ParseID(text); err != nil {
			return of, credential.Errorf(credential.NotFound, "no such trust rule")
		}
	}
	return of, nil
}

func (h *handlers) createTrustRule(r *edge.Request, in api.CreateTrustRule) (api.TrustRule, error) {
	of, err := h.trustRef(r)
	if err != nil {
		return api.TrustRule{}, err
	}
	req := authority.TrustRequest{
		Organization: of.Organization, Project: of.Project, Name: in.Name, Idempotency: r.Idempotency(),
		Trust: credential.Trust{
			Provider: credential.Provider(in.Provider), Issuer: in.Issuer, Audience: in.Audience, Repository: in.RepositoryID, Owner: in.OwnerID,
			Branch: in.Branch, Tag: in.Tag, Environment: in.Environment, Protected: in.Protected, PullRequests: in.PullRequests,
		},
	}
	if in.Scopes != nil {
		req.Scopes = scopes(in.Scopes)
	}
	if req.Trust.Claims, err = claimsOf(in.Claims); err != nil {
		return api.TrustRule{}, err
	}
	if req.Expiry, err = expiry(in.ExpiresAt, in.ExpiresIn); err != nil {
		return api.TrustRule{}, err
	}
	return h.shownTrust(h.authority.CreateTrustRule(r.Context(), &r.Principal, req))
}

func (h *handlers) listTrustRules(r *edge.Request, _ edge.None) (out api.List[api.TrustRule], err error) {
	of, err := h.trustRef(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	of.ID = page.after
	list, err := h.authority.TrustRules(r.Context(), &r.Principal, of, page.limit+1)
	return paged(page, list, func(t authority.Trusted) api.TrustRule { return h.trustOf(&t) }, func(t api.TrustRule) string { return t.ID }), err
}

func (h *handlers) getTrustRule(r *edge.Request, _ edge.None) (api.TrustRule, error) {
	of, err := h.trustRef(r)
	if err != nil {
		return api.TrustRule{}, err
	}
	return h.shownTrust(h.authority.TrustRule(r.Context(), &r.Principal, of))
}

func (h *handlers) updateTrustRule(r *edge.Request, in api.UpdateTrustRule) (api.TrustRule, error) {
	of, err := h.trustRef(r)
	if err != nil {
		return api.TrustRule{}, err
	}
	change := authority.TrustChange{
		Name: in.Name, Audience: in.Audience, Owner: in.OwnerID, Branch: in.Branch, Tag: in.Tag, Environment: in.Environment,
		Protected: in.Protected, PullRequests: in.PullRequests,
	}
	if in.Claims != nil {
		claims, err := claimsOf(*in.Claims)
		if err != nil {
			return api.TrustRule{}, err
		}
		change.Claims = &claims
	}
	return h.shownTrust(h.authority.UpdateTrustRule(r.Context(), &r.Principal, of, change))
}

func (h *handlers) deleteTrustRule(r *edge.Request, _ edge.None) (api.Empty, error) {
	of, err := h.trustRef(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.DeleteTrustRule(r.Context(), &r.Principal, of)
}

// claimsOf reads claims, none of which may stand twice.
func claimsOf(list []api.Claim) (map[string]string, error) {
	claims := make(map[string]string, len(list))
	for _, c := range list {
		if _, doubled := claims[c.Name]; doubled {
			return nil, credential.InvalidField("claims", "a claim stands once")
		}
		claims[c.Name] = c.Value
	}
	return claims, nil
}

func (h *handlers) shownTrust(t *authority.Trusted, err error) (api.TrustRule, error) {
	if err != nil {
		return api.TrustRule{}, err
	}
	return h.trustOf(t), nil
}

func (h *handlers) trustOf(t *authority.Trusted) api.TrustRule {
	c, trust := t.Credential, t.Trust
	out := api.TrustRule{
		ID: c.ID.String(), Name: c.Name, Project: c.Project.String(), Provider: string(trust.Provider), Issuer: trust.Issuer,
		Audience: cmp.Or(trust.Audience, h.authority.Issuer()), RepositoryID: trust.Repository, OwnerID: trust.Owner,
		Branch: trust.Branch, Tag: trust.Tag, Environment: trust.Environment, Protected: trust.Protected, PullRequests: trust.PullRequests,
		Scopes: texts(c.Scopes), State: string(t.State), CreatedAt: c.CreatedAt, CreatedBy: c.CreatedBy, ExpiresAt: instant(c.ExpiresAt),
		LastUsedAt: instant(t.Use.At), Version: t.Version(),
	}
	for _, name := range slices.Sorted(maps.Keys(trust.Claims)) {
		out.Claims = append(out.Claims, api.Claim{Name: name, Value: trust.Claims[name]})
	}
	return out
}
