package bunship

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of lists that are paged by number: a list that nobody asks a page of
// is one page, as long as it may be.
const (
	usualPage  = 20
	mostOnPage = 100
	mostWhole  = 1000
)

// paging says which part of a list an answer is.
type paging struct {
	Total    int  `json:"total"`
	Page     int  `json:"page"`
	PageSize int  `json:"pageSize"`
	HasMore  bool `json:"hasMore"`
}

// pageOf reads which part of a list a query asks for.
func pageOf(r *edge.Request) (store.Section, error) {
	if r.Param("page") == "" && r.Param("pageSize") == "" {
		return store.Section{Limit: mostWhole}, nil
	}
	size, err := r.Number("pageSize", edge.Span{Otherwise: usualPage, Least: 1, Most: mostOnPage})
	if err != nil {
		return store.Section{}, err
	}
	page, err := r.Number("page", edge.Span{Otherwise: 1, Least: 1, Most: store.MostCounted / size})
	return store.Section{Offset: (page - 1) * size, Limit: size}, err
}

// pagingOf says of which list n items are a section.
func pagingOf(s store.Section, n, total int) paging {
	return paging{total, s.Offset/s.Limit + 1, s.Limit, s.Offset+n < total}
}

type member struct {
	ID             string     `json:"id"`
	UserID         string     `json:"userId"`
	OrganizationID string     `json:"organizationId"`
	Role           string     `json:"role"`
	User           memberUser `json:"user"`
	JoinedAt       time.Time  `json:"joinedAt"`
}

type memberUser struct {
	ID        string  `json:"id"`
	Email     string  `json:"email"`
	FullName  string  `json:"fullName"`
	AvatarURL *string `json:"avatarUrl"`
}

type memberList struct {
	Members []member `json:"members"`
	paging
}

// membershipID is the id of a user's place in an organization, which has no id
// of its own: the difference of the two, by which either leads to the other.
func membershipID(organization, user uuid.UUID) string {
	return authority.PublicID("mbr", across(organization, user))
}

func across(from, to uuid.UUID) (out uuid.UUID) {
	for i := range out {
		out[i] = from[i] ^ to[i]
	}
	return out
}

func memberOf(organization uuid.UUID, m *store.Member) member {
	return member{
		membershipID(organization, m.ID), userID(m.ID), organizationID(organization), role(m.Role),
		memberUser{userID(m.ID), m.Email, m.Name, text(m.AvatarURL)}, m.JoinedAt,
	}
}

func (h *handlers) members(r *edge.Request, _ edge.None) (memberList, error) {
	organization, err := h.organization(r)
	if err != nil {
		return memberList{}, err
	}
	s, err := pageOf(r)
	if err != nil {
		return memberList{}, err
	}
	list, total, err := h.authority.MembersIn(r.Context(), &r.Principal, organization, s)
	out := memberList{make([]member, 0, len(list)), pagingOf(s, len(list), total)}
	for i := range list {
		out.Members = append(out.Members, memberOf(organization, &list[i]))
	}
	return out, err
}

// other finds the member in the path, whom the caller may change: neither an
// owner nor the caller is one.
func (h *handlers) other(r *edge.Request) (organization uuid.UUID, ref authority.UserRef, err error) {
	missing := credential.Errorf(credential.NotFound, "no such member")
	if organization, err = h.organization(r); err != nil {
		return organization, ref, err
	}
	id, err := authority.ParsePublicID("mbr", r.PathValue("member"))
	if err != nil {
		return organization, ref, missing
	}
	m, err := h.authority.Member(r.Context(), &r.Principal, organization, authority.UserRef{ID: across(organization, id)})
	switch {
	case err != nil:
		return organization, ref, err
	case !r.Principal.SignedIn(): // whom the authority refuses
	case m.ID == r.Principal.Subject:
		err = credential.Errorf(credential.BadRequest, "nobody does this to themselves; ask another owner or admin")
	case m.Role == credential.Owner:
		err = credential.Errorf(credential.BadRequest, "the owner stays what they are")
	}
	return organization, authority.UserRef{ID: m.ID}, invalid(err)
}

// invalid makes a request that can't be met one of VALIDATION_ERROR.
func invalid(err error) error {
	if e := detailed(err); e != nil && e.Kind == credential.BadRequest {
		return &credential.Error{Kind: credential.Invalid, Detail: e.Detail}
	}
	return err
}

type newRole struct {
	Role string `json:"role"`
}

// roleNamed is the role that BunShip calls so. Nobody is made an owner here.
func roleNamed(name string) (credential.Role, error) {
	switch name {
	case "admin", "member":
		return credential.Role(name), nil
	case "viewer":
		return credential.Guest, nil
	}
	return "", credential.InvalidField("role", "must be admin, member or viewer")
}

func (h *handlers) updateMember(r *edge.Request, in newRole) (member, error) {
	to, err := roleNamed(in.Role)
	if err != nil {
		return member{}, err
	}
	organization, ref, err := h.other(r)
	if err != nil {
		return member{}, err
	}
	if err := h.authority.SetRole(r.Context(), &r.Principal, organization, ref, to); err != nil {
		return member{}, err
	}
	m, err := h.authority.Member(r.Context(), &r.Principal, organization, ref)
	if err != nil {
		return member{}, err
	}
	return memberOf(organization, m), nil
}

func (h *handlers) removeMember(r *edge.Request, _ edge.None) (done, error) {
	organization, ref, err := h.other(r)
	if err != nil {
		return done{}, err
	}
	return done{true, "Member removed"}, h.authority.RemoveMember(r.Context(), &r.Principal, organization, ref)
}

type newInvitation struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

// invitation is an invitation as it is shown; the link only in the answer that
// made it.
type invitation struct {
	ID             string    `json:"id"`
	OrganizationID string    `json:"organizationId"`
	Email          string    `json:"email"`
	Role           string    `json:"role"`
	InvitedBy      string    `json:"invitedBy"` // a user, or the operator
	ExpiresAt      time.Time `json:"expiresAt"`
	CreatedAt      time.Time `json:"createdAt"`
	Status         string    `json:"status"`
}

type invited struct {
	Invitation invitation `json:"invitation"`
	InviteURL  string     `json:"inviteUrl"`
}

type invitationList struct {
	Invitations []invitation `json:"invitations"`
	paging
}

func invitationOf(i *store.Invitation, now time.Time) invitation {
	out := invitation{
		authority.PublicID("inv", i.ID), organizationID(i.Organization), i.Email, role(i.Role), i.InvitedBy, i.ExpiresAt, i.CreatedAt, "pending",
	}
	if by := publicID("usr", i.InvitedBy); by != nil {
		out.InvitedBy = *by
	}
	switch {
	case !i.AcceptedAt.IsZero():
		out.Status = "accepted"
	case !now.Before(i.ExpiresAt):
		out.Status = "expired"
	}
	return out
}

func (h *handlers) invite(r *edge.Request, in newInvitation) (invited, error) {
	organization, err := h.organization(r)
	if err != nil {
		return invited{}, err
	}
	to, err := roleNamed(in.Role)
	if err != nil {
		return invited{}, err
	}
	made, err := h.authority.Invite(r.Context(), &r.Principal, organization, authority.InviteRequest{Email: in.Email, Role: to, Anew: true})
	if err != nil {
		return invited{}, err
	}
	return invited{invitationOf(&made.Invitation, made.CreatedAt), h.authority.Issuer() + prefix + "invitations/" + made.Code.Reveal() + "/accept"}, nil
}

func (h *handlers) invitations(r *edge.Request, _ edge.None) (invitationList, error) {
	organization, err := h.organization(r)
	if err != nil {
		return invitationList{}, err
	}
	s, err := pageOf(r)
	if err != nil {
		return invitationList{}, err
	}
	list, total, err := h.authority.InvitationsIn(r.Context(), &r.Principal, organization, s)
	out := invitationList{make([]invitation, 0, len(list)), pagingOf(s, len(list), total)}
	for i := range list {
		out.Invitations = append(out.Invitations, invitationOf(&list[i], h.authority.Now()))
	}
	return out, err
}

func (h *handlers) withdrawInvitation(r *edge.Request, _ edge.None) (done, error) {
	organization, err := h.organization(r)
	if err != nil {
		return done{}, err
	}
	id, err := authority.ParsePublicID("inv", r.PathValue("invitation"))
	if err != nil {
		return done{}, credential.Errorf(credential.NotFound, "no such invitation")
	}
	return done{true, "Invitation cancelled"}, h.authority.WithdrawInvitation(r.Context(), &r.Principal, organization, id)
}

type accepted struct {
	Message      string               `json:"message"`
	Organization acceptedOrganization `json:"organization"`
}

type acceptedOrganization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

func (h *handlers) acceptInvitation(r *edge.Request, _ edge.None) (accepted, error) {
	o, err := h.authority.AcceptInvitation(r.Context(), &r.Principal, r.PathValue("token"))
	e := detailed(err)
	switch {
	case errors.Is(err, authority.ErrNoInvitation):
		return accepted{}, credential.Errorf(credential.NotFound, "no such invitation")
	case e != nil && e.Field == "code": // which stands in the path here
		return accepted{}, &credential.Error{Kind: credential.Invalid, Detail: e.Detail}
	case err != nil:
		return accepted{}, err
	}
	return accepted{"Invitation accepted", acceptedOrganization{organizationID(o.ID), o.Name, o.Slug}}, nil
}
