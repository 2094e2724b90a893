package rest

import (
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

func (h *handlers) createCredential(r *edge.Request, in api.CreateCredential) (api.IssuedCredential, error) {
	req := authority.IssueRequest{
		Scheme: in.Scheme, Name: in.Name, Addresses: in.AllowedAddresses, RateLimit: in.RateLimit, Idempotency: r.Idempotency(),
	}
	if in.Scopes != nil {
		req.Scopes = scopes(in.Scopes)
	}
	var err error
	if req.Organization, err = h.organizationID(r, "organization", in.Organization); err != nil {
		return api.IssuedCredential{}, err
	}
	if in.Project != "" {
		ref, err := parseProject("project", in.Project)
		if err != nil {
			return api.IssuedCredential{}, err
		}
		req.Project = &ref
	}
	if in.User != "" {
		ref, err := parseUser("user", in.User)
		if err != nil {
			return api.IssuedCredential{}, err
		}
		req.User = &ref
	}
	if req.Expiry, err = expiry(in.ExpiresAt, in.ExpiresIn); err != nil {
		return api.IssuedCredential{}, err
	}
	if in.NotBefore != "" {
		if req.NotBefore, err = credential.ParseTime("not_before", in.NotBefore); err != nil {
			return api.IssuedCredential{}, err
		}
	}
	return issued(h.authority.Issue(r.Context(), &r.Principal, req))
}

// expiry reads the two ways of saying when a credential ends.
func expiry(at, in string) (e credential.ExpiryChoice, err error) {
	if at != "" {
		if e.At, err = credential.ParseTime("expires_at", at); err != nil {
			return e, err
		}
	}
	if in != "" {
		if e.In, err = credential.ParseSpan("expires_in", in, credential.MaxLifetime); err != nil {
			return e, err
		}
		if e.In == 0 {
			return e, credential.InvalidField("expires_in", "must be longer than nothing")
		}
	}
	return e, nil
}

// credentialFilters are the query parameters that choose credentials.
var credentialFilters = []string{"organization", "user", "project", "scheme", "state"}

func (h *handlers) listCredentials(r *edge.Request, _ edge.None) (api.List[api.Credential], error) {
	var out api.List[api.Credential]
	page, err := h.page(r, credentialFilters...)
	if err != nil {
		return out, err
	}
	req := authority.ListRequest{Scheme: r.Param("scheme"), State: credential.State(r.Param("state")), Limit: page.limit + 1}
	switch req.State {
	case "", credential.Active, credential.Suspended, credential.Expired, credential.Revoked:
	default:
		return out, credential.InvalidField("state", "choose one of: active, suspended, expired, revoked")
	}
	if req.Scheme != "" {
		if _, err := h.authority.Schemes().Find("scheme", req.Scheme); err != nil {
			return out, err
		}
	}
	if req.Organization, err = h.organizationID(r, "organization", r.Param("organization")); err != nil {
		return out, err
	}
	if text := r.Param("project"); text != "" {
		ref, err := parseProject("project", text)
		if err != nil {
			return out, err
		}
		req.Project = &ref
	}
	if text := r.Param("user"); text != "" {
		ref, err := parseUser("user", text)
		if err != nil {
			return out, err
		}
		req.User = &ref
	}
	req.Before = page.after
	list, err := h.authority.List(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out = paged(page, list, func(d authority.Detail) api.Credential { return credentialOf(&d) },
		func(c api.Credential) string { return c.ID })
	return out, nil
}

// credentialID reads the id in the path. What is no id names nothing.
func credentialID(r *edge.Request) (uuid.UUID, error) {
	id, err := authority.ParseID(r.PathValue("id"))
	if err != nil {
		return uuid.Nil, credential.Errorf(credential.NotFound, "no such credential")
	}
	return id, nil
}

func (h *handlers) getCredential(r *edge.Request, _ edge.None) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	return shown(h.authority.Get(r.Context(), &r.Principal, id))
}

func (h *handlers) updateCredential(r *edge.Request, in api.UpdateCredential) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	req := authority.UpdateRequest{Name: in.Name, Addresses: in.AllowedAddresses, RateLimit: in.RateLimit}
	if in.ExpiresAt != nil {
		req.Expiry = &credential.ExpiryChoice{}
		if *in.ExpiresAt != "never" {
			if req.Expiry.At, err = credential.ParseTime("expires_at", *in.ExpiresAt); err != nil {
				return api.Credential{}, err
			}
		}
	}
	if req == (authority.UpdateRequest{}) {
		return api.Credential{}, credential.Errorf(credential.Invalid, "say what to change: name, allowed_addresses, rate_limit or expires_at")
	}
	return shown(h.authority.Update(r.Context(), &r.Principal, id, req))
}

// rotation reads what a rotation asks for.
func rotation(r *edge.Request, in api.RotateCredential) (authority.RotateRequest, error) {
	req := authority.RotateRequest{Grace: authority.DefaultGrace, Idempotency: r.Idempotency()}
	var err error
	if in.Grace != nil {
		if req.Grace, err = credential.ParseSpan("grace", *in.Grace, credential.MaxGrace); err != nil {
			return req, err
		}
	}
	switch in.EndPredecessor {
	case "", "after_grace":
	case "at_first_use":
		req.AtFirstUse = true
	default:
		return req, credential.InvalidField("end_predecessor", "must be after_grace or at_first_use")
	}
	req.Expiry, err = expiry(in.ExpiresAt, in.ExpiresIn)
	return req, err
}

func (h *handlers) rotateCredential(r *edge.Request, in api.RotateCredential) (api.IssuedCredential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.IssuedCredential{}, err
	}
	req, err := rotation(r, in)
	if err != nil {
		return api.IssuedCredential{}, err
	}
	return issued(h.authority.Rotate(r.Context(), &r.Principal, id, req))
}

func (h *handlers) suspendCredential(r *edge.Request, _ edge.None) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	return shown(h.authority.Suspend(r.Context(), &r.Principal, id))
}

func (h *handlers) resumeCredential(r *edge.Request, _ edge.None) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	return shown(h.authority.Resume(r.Context(), &r.Principal, id))
}

func (h *handlers) revokeCredential(r *edge.Request, _ edge.None) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	return shown(h.authority.Revoke(r.Context(), &r.Principal, id))
}
