package rest

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// user reads which user of the installation a path names.
func (h *handlers) user(r *edge.Request) (authority.UserRef, error) {
	return parseUser("user", r.PathValue("user"))
}

func (h *handlers) getUser(r *edge.Request, _ edge.None) (api.Person, error) {
	ref, err := h.user(r)
	if err != nil {
		return api.Person{}, err
	}
	return h.person(r, ref)
}

// person shows a user as they are now.
func (h *handlers) person(r *edge.Request, ref authority.UserRef) (api.Person, error) {
	u, left, err := h.authority.Person(r.Context(), &r.Principal, ref)
	if err != nil {
		return api.Person{}, err
	}
	out := api.Person{
		ID: u.ID.String(), Number: u.Number, Email: u.Email, Name: u.Name, State: stateOf(u),
		EmailVerifiedAt: instant(u.VerifiedAt), CreatedAt: u.CreatedAt,
	}
	if u.TwoFactor { // one that is only set up has codes already
		out.TwoFactor = api.TwoFactor{Enabled: true, BackupCodesLeft: left}
	}
	return out, nil
}

// changeUser makes one change of the user in the path, and shows what they are then.
func (h *handlers) changeUser(r *edge.Request, change func(context.Context, *credential.Principal, authority.UserRef) (*store.User, error)) (api.Person, error) {
	ref, err := h.user(r)
	if err != nil {
		return api.Person{}, err
	}
	u, err := change(r.Context(), &r.Principal, ref)
	if err != nil {
		return api.Person{}, err
	}
	return h.person(r, authority.UserRef{ID: u.ID})
}

func (h *handlers) deactivateUser(r *edge.Request, _ edge.None) (api.Person, error) {
	return h.changeUser(r, h.authority.Deactivate)
}

func (h *handlers) reactivateUser(r *edge.Request, _ edge.None) (api.Person, error) {
	return h.changeUser(r, h.authority.Reactivate)
}

func (h *handlers) deleteUser(r *edge.Request, _ edge.None) (api.Empty, error) {
	ref, err := h.user(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.Delete(r.Context(), &r.Principal, ref)
}

func (h *handlers) unlockUser(r *edge.Request, _ edge.None) (api.Person, error) {
	return h.changeUser(r, h.authority.Unlock)
}

func (h *handlers) resetTwoFactor(r *edge.Request, _ edge.None) (api.Person, error) {
	return h.changeUser(r, h.authority.ResetTwoFactor)
}

// makePasswordCode answers with the only copy of the code.
func (h *handlers) makePasswordCode(r *edge.Request, _ edge.None) (api.PasswordCode, error) {
	ref, err := h.user(r)
	if err != nil {
		return api.PasswordCode{}, err
	}
	code, err := h.authority.PasswordCode(r.Context(), &r.Principal, ref)
	if err != nil {
		return api.PasswordCode{}, err
	}
	return api.PasswordCode{Code: code.Reveal(), ExpiresAt: code.ExpiresAt}, nil
}

func (h *handlers) listSessions(r *edge.Request, _ edge.None) (api.List[api.Session], error) {
	out := api.List[api.Session]{Items: []api.Session{}}
	ref, err := h.user(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.SessionsOf(r.Context(), &r.Principal, ref)
	for i := range list {
		out.Items = append(out.Items, sessionOf(&list[i]))
	}
	return out, err
}

func sessionOf(s *store.Session) api.Session {
	out := api.Session{
		ID: s.ID.String(), UserAgent: s.UserAgent, Address: s.Address, CreatedAt: s.CreatedAt, LastUsedAt: s.UsedAt,
		ExpiresAt: s.IdleUntil, Cookie: s.Cookie, Device: s.Device,
	}
	if s.EndsAt.Before(out.ExpiresAt) {
		out.ExpiresAt = s.EndsAt
	}
	return out
}

func (h *handlers) endSessions(r *edge.Request, _ edge.None) (api.Empty, error) {
	return h.endSessionsOf(r, uuid.Nil)
}

func (h *handlers) endSession(r *edge.Request, _ edge.None) (api.Empty, error) {
	id, err := authority.ParsePublicID("ses", r.PathValue("session"))
	if err != nil {
		return api.Empty{}, credential.Errorf(credential.NotFound, "no such session")
	}
	return h.endSessionsOf(r, id)
}

// endSessionsOf ends a session of the user in the path, or (Nil) all of them.
func (h *handlers) endSessionsOf(r *edge.Request, session uuid.UUID) (api.Empty, error) {
	ref, err := h.user(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.EndSessionsOf(r.Context(), &r.Principal, ref, session)
}
