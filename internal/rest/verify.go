package rest

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// permissionText is what a permission may look like: a scope-token of RFC 6749.
var permissionText = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]{1,64}$`)

func (h *handlers) verify(r *edge.Request, in api.Verify) (api.Decision, error) {
	if in.Credential == nil {
		return api.Decision{}, credential.InvalidField("credential", "must be there")
	}
	v := authority.Verification{Permission: credential.Permission(in.Permission), UserAgent: in.UserAgent, RequestID: r.ID}
	if in.Permission != "" && !permissionText.MatchString(in.Permission) {
		return api.Decision{}, credential.InvalidField("permission", "must be 1 to 64 visible ASCII characters")
	}
	const most = 200
	if in.Cost != nil && (*in.Cost < 0 || *in.Cost > authority.MaxCost) {
		return api.Decision{}, credential.InvalidField("cost", "must be from 0 to %d", authority.MaxCost)
	}
	if len(in.Resource) > most || !printable(in.Resource) {
		return api.Decision{}, credential.InvalidField("resource", "must have at most %d bytes, and no control characters", most)
	}
	v.Charge = authority.Charge{Resource: in.Resource, Named: in.Cost != nil}
	if in.Cost != nil {
		v.Charge.Cost = *in.Cost
	}
	if id := r.Idempotency(); id != nil {
		if err := credential.CheckIdempotencyKey(id.Key); err != nil {
			return api.Decision{}, err
		}
		v.Charge.Repeat = id.Key
	}
	var err error
	if in.Address != "" {
		if v.Address, err = parseAddress(in.Address); err != nil {
			return api.Decision{}, err
		}
	}
	if in.Project != "" {
		ref, err := parseProject("project", in.Project)
		if err != nil {
			ref = store.ProjectRef{ID: uuid.Max} // no project has it
		}
		v.Project = &ref
	}
	d, err := h.authority.VerifyFor(r.Context(), &r.Principal, *in.Credential, v)
	if err != nil {
		return api.Decision{}, err
	}
	return decision(&d), nil
}

// printable reports whether a text has no control characters.
func printable(text string) bool {
	return !strings.ContainsFunc(text, unicode.IsControl)
}

func parseAddress(text string) (netip.Addr, error) {
	addr, err := credential.ParseAddress(text)
	if err != nil {
		return addr, credential.InvalidField("address", "is not an IP address")
	}
	return addr, nil
}

// decision tells the caller of verify what was decided. A refusal says why,
// and nothing of the credential: but when to come again, which it has to tell.
func decision(d *credential.Decision) api.Decision {
	if d.Code == credential.CodeRateLimited {
		return api.Decision{Code: string(d.Code), Limits: limitState(d.Limit)}
	}
	if d.Code != credential.OK {
		return api.Decision{Code: string(d.Code), Budget: decidedBudget(d)}
	}
	c := d.Standing.Credential
	out := api.Decision{
		Code: string(d.Code), Active: true,
		Credential:   &api.VerifiedCredential{ID: c.ID.String(), Name: c.Name, Scheme: c.Scheme.Name, Kind: string(c.Scheme.Kind), Mode: c.Scheme.Mode},
		Subject:      subject(&d.Principal),
		Organization: idText(c.Organization),
		Scopes:       texts(c.Scopes),
		ExpiresAt:    instant(c.ExpiresAt),
		Limits:       limitState(d.Limit),
	}
	out.Budget = decidedBudget(d)
	if d.Paid.Spend != uuid.Nil {
		out.Spend = &api.Spend{ID: d.Paid.Spend.String(), Cost: d.Paid.Cost, Reserved: d.Paid.Reserved, Repeated: d.Paid.Repeated}
	}
	if c.Project != uuid.Nil {
		out.Projects = []string{c.Project.String()}
	}
	if t := d.Principal.Token; t != nil {
		out.Credential.Kind, out.ExpiresAt = string(credential.AccessToken), instant(t.ExpiresAt)
	}
	return out
}

func subject(p *credential.Principal) *api.Subject {
	return &api.Subject{Type: string(p.SubjectType), ID: idText(p.Subject)}
}

func (h *handlers) revokeByPossession(r *edge.Request, in api.Possession) (api.Empty, error) {
	if in.Credential == nil {
		return api.Empty{}, credential.InvalidField("credential", "must be there")
	}
	return api.Empty{}, h.authority.RevokeByPossession(r.Context(), *in.Credential, r.Address, r.ID)
}

func (h *handlers) self(r *edge.Request, _ edge.None) (api.Self, error) {
	out := api.Self{
		Subject: *subject(&r.Principal), Organization: idText(r.Principal.Organization), Role: string(r.Principal.Role),
		Permissions: texts(r.Principal.Permissions.List()),
	}
	d, err := h.authority.Self(r.Context(), &r.Principal)
	if errors.Is(err, credential.NotFound) && r.Principal.IsOperator() {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	record := credentialOf(d)
	out.Credential = &record
	return out, nil
}

func (h *handlers) rotateSelf(r *edge.Request, in api.RotateCredential) (api.IssuedCredential, error) {
	req, err := rotation(r, in)
	if err != nil {
		return api.IssuedCredential{}, err
	}
	return issued(h.authority.RotateSelf(r.Context(), &r.Principal, req))
}

func (h *handlers) revokeSelf(r *edge.Request, _ edge.None) (api.Credential, error) {
	return shown(h.authority.RevokeSelf(r.Context(), &r.Principal))
}

func (h *handlers) schemes(*edge.Request, edge.None) (api.List[api.Scheme], error) {
	var list api.List[api.Scheme]
	for _, s := range h.authority.Schemes().All() {
		list.Items = append(list.Items, api.Scheme{
			Name: s.Name, Kind: string(s.Kind), Mode: s.Mode,
			Prefix: s.Text.Prefix, Alphabet: string(s.Text.Alphabet), Length: len(s.Text.Prefix) + s.Text.Length, Pattern: s.Text.Pattern(),
			Owner: string(s.Owner), Expiry: string(s.Expiry), LifetimeDays: s.LifetimeDays, ExpiryFixed: s.ExpiryFixed,
			MaxActive: s.MaxActive, Scopes: texts(s.Scopes.Names()), DefaultScopes: texts(s.Scopes.Default), Presented: texts(s.Presented),
		})
	}
	return list, nil
}

func (h *handlers) setup(r *edge.Request, in api.Setup) (api.SetupResult, error) {
	p := r.Principal
	p.SubjectType, p.Address, p.RequestID = orSubject(p.SubjectType, "setup"), r.Address, r.ID
	o, member, key, err := h.authority.Setup(r.Context(), &p, authority.SetupRequest{
		Code: in.Code, Organization: in.Organization,
		UserRequest: authority.UserRequest{Email: in.Email, Name: in.Name, Role: credential.Owner, Password: in.Password},
	})
	if err != nil {
		return api.SetupResult{}, err
	}
	secret, err := issued(key, nil)
	return api.SetupResult{Organization: organizationOf(o), User: userOf(member), Credential: secret}, err
}

func orSubject(t, otherwise credential.SubjectType) credential.SubjectType {
	if t == "" {
		return otherwise
	}
	return t
}
