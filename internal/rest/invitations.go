package rest

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

func (h *handlers) invite(r *edge.Request, in api.Invite) (api.IssuedInvitation, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.IssuedInvitation{}, err
	}
	made, err := h.authority.Invite(r.Context(), &r.Principal, id, authority.InviteRequest{Email: in.Email, Role: credential.Role(in.Role)})
	if err != nil {
		return api.IssuedInvitation{}, err
	}
	return api.IssuedInvitation{Invitation: invitationOf(&made.Invitation, made.CreatedAt), Code: made.Code.Reveal()}, nil
}

func (h *handlers) listInvitations(r *edge.Request, _ edge.None) (out api.List[api.Invitation], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Invitations(r.Context(), &r.Principal, id, page.after, page.limit+1)
	now := h.authority.Now()
	return paged(page, list, func(i store.Invitation) api.Invitation { return invitationOf(&i, now) }, func(i api.Invitation) string { return i.ID }), err
}

func (h *handlers) withdrawInvitation(r *edge.Request, _ edge.None) (api.Empty, error) {
	organization, err := h.organization(r)
	if err != nil {
		return api.Empty{}, err
	}
	id, err := authority.ParsePublicID("inv", r.PathValue("invitation"))
	if err != nil {
		return api.Empty{}, credential.Errorf(credential.NotFound, "no such invitation")
	}
	return api.Empty{}, h.authority.WithdrawInvitation(r.Context(), &r.Principal, organization, id)
}

func (h *handlers) acceptInvitation(r *edge.Request, in api.AcceptInvitation) (api.Organization, error) {
	o, err := h.authority.AcceptInvitation(r.Context(), &r.Principal, in.Code)
	if err != nil {
		return api.Organization{}, err
	}
	return organizationOf(o), nil
}

func invitationOf(i *store.Invitation, now time.Time) api.Invitation {
	out := api.Invitation{
		ID: i.ID.String(), Organization: i.Organization.String(), Email: i.Email, Role: string(i.Role), State: "pending",
		InvitedBy: i.InvitedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
	switch {
	case !i.AcceptedAt.IsZero():
		out.State = "accepted"
	case !now.Before(i.ExpiresAt):
		out.State = "expired"
	}
	return out
}
