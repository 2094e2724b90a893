package bunship

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// user is the whole account of a user.
type user struct {
	ID               string         `json:"id"`
	Email            string         `json:"email"`
	EmailVerified    *time.Time     `json:"emailVerified"`
	FullName         string         `json:"fullName"`
	AvatarURL        *string        `json:"avatarUrl"`
	Preferences      jsontext.Value `json:"preferences"`
	TwoFactorEnabled bool           `json:"twoFactorEnabled"`
	IsActive         bool           `json:"isActive"`
	CreatedAt        time.Time      `json:"createdAt"`
	UpdatedAt        time.Time      `json:"updatedAt"`
}

func userOf(u *store.User, err error) (user, error) {
	if err != nil {
		return user{}, err
	}
	out := user{
		ID: userID(u.ID), Email: u.Email, EmailVerified: instant(u.VerifiedAt), FullName: u.Name, Preferences: jsontext.Value("{}"),
		TwoFactorEnabled: u.TwoFactor, IsActive: u.DeactivatedAt.IsZero(), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if u.AvatarURL != "" {
		out.AvatarURL = &u.AvatarURL
	}
	if u.Preferences != "" {
		out.Preferences = jsontext.Value(u.Preferences)
	}
	return out, nil
}

// instant shows a time, or null for none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (h *handlers) me(r *edge.Request, _ edge.None) (user, error) {
	return userOf(h.authority.Account(r.Context(), &r.Principal))
}

// profile changes a user; what is left out stays.
type profile struct {
	FullName    *string      `json:"fullName"`
	AvatarURL   *string      `json:"avatarUrl"`
	Preferences *preferences `json:"preferences"`
}

// preferences are merged with those before.
type preferences struct {
	Theme         *string        `json:"theme,omitempty"`
	Language      *string        `json:"language,omitempty"`
	Timezone      *string        `json:"timezone,omitempty"`
	Notifications *notifications `json:"notifications,omitempty"`
}

type notifications struct {
	Email *bool `json:"email,omitempty"`
	Push  *bool `json:"push,omitempty"`
}

func (h *handlers) updateMe(r *edge.Request, in profile) (user, error) {
	c := authority.ProfileChange{Name: in.FullName, AvatarURL: in.AvatarURL}
	if in.AvatarURL != nil {
		if err := checkURL("avatarUrl", *in.AvatarURL); err != nil {
			return user{}, err
		}
	}
	if in.Preferences != nil {
		if err := in.Preferences.check(); err != nil {
			return user{}, err
		}
		c.Preferences = in.Preferences.merge
	}
	u, err := h.authority.UpdateProfile(r.Context(), &r.Principal, c)
	return userOf(u, fieldNames(err))
}

// checkURL refuses what is no address of a picture; empty is none.
func checkURL(field, text string) error {
	const most = 2048
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "https" || u.Host == "" || len(text) > most) {
		return credential.InvalidField(field, "must be an https:// URL, or empty for none")
	}
	return nil
}

func (p *preferences) check() error {
	wrong := func(field, says string) error { return credential.InvalidField("preferences."+field, "%s", says) }
	switch {
	case p.Theme != nil && !slices.Contains([]string{"light", "dark", "system"}, *p.Theme):
		return wrong("theme", "must be light, dark or system")
	case p.Language != nil && (len(*p.Language) < 2 || len(*p.Language) > 10 || strings.Trim(*p.Language, letters+"-") != ""):
		return wrong("language", "must be a language tag of 2 to 10 characters, such as en or pt-BR")
	case p.Timezone != nil && (*p.Timezone == "" || len(*p.Timezone) > 64 || strings.Trim(*p.Timezone, letters+"0123456789/_+-") != ""):
		return wrong("timezone", "must be the name of a time zone, such as Europe/Vienna")
	}
	return nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// merge lays preferences over those before.
func (p *preferences) merge(before string) (string, error) {
	var all preferences
	if before != "" {
		if err := json.Unmarshal([]byte(before), &all); err != nil {
			return "", fmt.Errorf("read a user's preferences: %w", err)
		}
	}
	over(&all.Theme, p.Theme)
	over(&all.Language, p.Language)
	over(&all.Timezone, p.Timezone)
	if p.Notifications != nil {
		if all.Notifications == nil {
			all.Notifications = &notifications{}
		}
		over(&all.Notifications.Email, p.Notifications.Email)
		over(&all.Notifications.Push, p.Notifications.Push)
	}
	text, err := json.Marshal(&all)
	if err != nil {
		return "", fmt.Errorf("write a user's preferences: %w", err)
	}
	return string(text), nil
}

func over[T any](field **T, value *T) {
	if value != nil {
		*field = value
	}
}

type newPassword struct {
	CurrentPassword string `json:"currentPassword"`
	NewPassword     string `json:"newPassword"`
}

func (h *handlers) changePassword(r *edge.Request, in newPassword) (message, error) {
	if err := checkClasses("newPassword", in.NewPassword); err != nil {
		return message{}, err
	}
	err := h.authority.ChangePassword(r.Context(), &r.Principal, in.CurrentPassword, in.NewPassword)
	return message{"Password changed successfully"}, wrongPassword(err)
}

type session struct {
	ID         string    `json:"id"`
	UserAgent  string    `json:"userAgent"`
	IPAddress  string    `json:"ipAddress"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	CreatedAt  time.Time `json:"createdAt"`
	IsCurrent  bool      `json:"isCurrent"`
}

type sessionList struct {
	Sessions []session `json:"sessions"`
	Total    int       `json:"total"`
}

func (h *handlers) sessions(r *edge.Request, _ edge.None) (sessionList, error) {
	list, err := h.authority.Sessions(r.Context(), &r.Principal)
	out := sessionList{Sessions: []session{}, Total: len(list)}
	for _, s := range list {
		ends := s.IdleUntil
		if s.EndsAt.Before(ends) {
			ends = s.EndsAt
		}
		out.Sessions = append(out.Sessions, session{
			sessionID(s.ID), s.UserAgent, s.Address, s.UsedAt, ends, s.CreatedAt, s.ID == r.Principal.Credential.ID,
		})
	}
	return out, err
}

func (h *handlers) endSession(r *edge.Request, _ edge.None) (message, error) {
	id, err := authority.ParsePublicID("ses", r.PathValue("session"))
	if err != nil {
		return message{}, credential.Errorf(credential.NotFound, "no such session")
	}
	return message{"Session revoked successfully"}, h.authority.EndSession(r.Context(), &r.Principal, id)
}
