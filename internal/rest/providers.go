package rest

import (
	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// providerRoutes are about the providers by which people sign in.
func (h *handlers) providerRoutes() []edge.Route {
	const one = "/v1/organizations/{organization}/sign-in-provider"
	read, write := edge.Needs(credential.OrganizationRead), edge.Needs(credential.OrganizationWrite)
	return []edge.Route{
		edge.Get(one, read, h.getProvider).
			Named("getSignInProvider", "Show the OpenID Connect provider by which the people of an organization sign in."),
		edge.Put(one, write, small, h.setProvider).
			Named("setSignInProvider", "Replace the OpenID Connect provider by which the people of an organization sign in. It takes an owner who has signed in. Another issuer or client ends the sessions that the one before began.", credential.Conflict, credential.PreconditionFailed),
		edge.Delete(one, write, h.deleteProvider).CostsNothing().
			Named("deleteSignInProvider", "Let nobody sign in but by password. The sessions that the provider began end. It takes an owner who has signed in.", credential.PreconditionFailed),
		edge.Get(one+"/links", read, h.listProviderLinks).Takes("limit", "cursor").
			Named("listSignInLinks", "List the people whom the provider of an organization knows."),
		edge.Delete(one+"/links/{user}", write, h.forgetProviderLink).CostsNothing().
			Named("forgetSignInLink", "Forget by which subject the provider knows somebody, who may be linked anew. It takes an owner who has signed in.", credential.Invalid),
	}
}

func (h *handlers) getProvider(r *edge.Request, _ edge.None) (api.SignInProvider, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.SignInProvider{}, err
	}
	return h.shownProvider(h.authority.Provider(r.Context(), &r.Principal, id))
}

func (h *handlers) setProvider(r *edge.Request, in api.SetSignInProvider) (api.SignInProvider, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.SignInProvider{}, err
	}
	return h.shownProvider(h.authority.SetProvider(r.Context(), &r.Principal, id, authority.ProviderRequest{
		Issuer: in.Issuer, ClientID: in.ClientID, Secret: in.ClientSecret, Domains: in.Domains, Role: credential.Role(in.Role), AdmitNew: in.AdmitNew, Active: in.Active,
	}))
}

func (h *handlers) shownProvider(p *authority.ProviderState, err error) (api.SignInProvider, error) {
	if err != nil {
		return api.SignInProvider{}, err
	}
	out := api.SignInProvider{
		Issuer: p.Issuer, ClientID: p.ClientID, Domains: p.Domains, Role: string(p.Role), AdmitNew: p.AdmitNew, Active: p.Active,
		RedirectURI: h.authority.ProviderCallback(), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Version: authority.ProviderVersion(&p.Provider),
	}
	if p.Failure != "" {
		out.LastFailure = &api.SignInFailure{At: p.At, Reason: p.Failure}
	}
	return out, nil
}

func (h *handlers) deleteProvider(r *edge.Request, _ edge.None) (api.Empty, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.DeleteProvider(r.Context(), &r.Principal, id)
}

func (h *handlers) listProviderLinks(r *edge.Request, _ edge.None) (out api.List[api.SignInLink], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.ProviderLinks(r.Context(), &r.Principal, id, page.after, page.limit+1)
	show := func(l store.ProviderLink) api.SignInLink {
		return api.SignInLink{User: l.User.String(), Email: l.Email, Name: l.Name, Member: l.Member, Subject: l.Subject, LinkedAt: l.LinkedAt, LastUsedAt: l.UsedAt}
	}
	return paged(page, list, show, func(l api.SignInLink) string { return l.User }), err
}

func (h *handlers) forgetProviderLink(r *edge.Request, _ edge.None) (api.Empty, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.Empty{}, err
	}
	user, err := parseUser("user", r.PathValue("user"))
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.ForgetProviderLink(r.Context(), &r.Principal, id, user)
}
