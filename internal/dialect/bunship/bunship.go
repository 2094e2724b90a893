// Package bunship serves the documented HTTP surface of BunShip: sessions with
// a second factor, the user's own account, and organizations with their
// members, invitations, API keys, webhooks and audit logs.
//
// It hides that service's shapes and words: success wrappers, error codes, ids
// with prefixes. It decides nothing; every call goes to the authority.
package bunship

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

const (
	prefix = "/api/v1/"
	// most bounds a body in bytes.
	most = 64 << 10
)

// handlers answers BunShip's routes.
type handlers struct {
	authority *authority.Authority
}

// Surfaces returns BunShip's routes: those of a user, and those of an
// organization, which take API keys as well and speak of them in their errors.
func Surfaces(a *authority.Authority) []*edge.Surface {
	h := &handlers{a}
	return []*edge.Surface{
		{Routes: h.userRoutes(), Prefix: prefix, Present: present, WriteError: writeUserError, WriteLimit: writeLimit, Takes: ours, Nulls: true},
		{Routes: h.organizationRoutes(), Present: present, WriteError: writeKeyError, WriteLimit: writeLimit, Takes: ours, Nulls: true},
	}
}

// ours are the credentials that this surface takes.
func ours(s *credential.Scheme) bool { return s.Kind == credential.Session || s.Group() == "bunship" }

func (h *handlers) userRoutes() []edge.Route {
	return []edge.Route{
		edge.Post(prefix+"auth/register", edge.Public, most, h.register).LimitedByAddress().
			Named("register", "Make an account.").Example(`{"email":"ada@example.com","password":"$NEW_PASSWORD","fullName":"Ada"}`),
		edge.Get(prefix+"auth/verify-email/{token}", edge.Public, h.verifyEmail).LimitedByAddress().
			Named("verifyEmail", "Confirm an address by the code of a letter."),
		edge.Post(prefix+"auth/login", edge.Public, most, h.login).LimitedByAddress().
			Named("login", "Begin a session. Who has a second factor sends twoFactorCode too.").Example(`{"email":"$EMAIL","password":"$PASSWORD"}`),
		edge.Post(prefix+"auth/refresh", edge.Public, most, h.refresh).LimitedByAddress().
			Named("refresh", "Trade a refresh token, which is good once, for new tokens.").Example(`{"refreshToken":"$REFRESH_TOKEN"}`),
		edge.Post(prefix+"auth/logout", edge.Authenticated, most, h.logout).LimitedByAddress().
			Named("logout", "End this session, or all of them.").Example(`{"allSessions":false}`),
		edge.Post(prefix+"auth/forgot-password", edge.Public, most, h.forgotPassword).LimitedByAddress().
			Named("forgotPassword", "Have a code sent by which the password is set anew.").Example(`{"email":"$EMAIL"}`),
		edge.Post(prefix+"auth/reset-password", edge.Public, most, h.resetPassword).LimitedByAddress().
			Named("resetPassword", "Set the password anew by such a code.").Example(`{"token":"$CODE","password":"$NEW_PASSWORD"}`),

		edge.Post(prefix+"auth/two-factor/setup", edge.Authenticated, most, h.setUpTwoFactor).LimitedByAddress().
			Named("setUpTwoFactor", "Show the secret of a second factor, which is off until it is verified.").Example(`{"password":"$PASSWORD"}`),
		edge.Post(prefix+"auth/two-factor/verify", edge.Authenticated, most, h.enableTwoFactor).LimitedByAddress().
			Named("enableTwoFactor", "Turn the second factor on by its first code.").Example(`{"code":"$CODE"}`),
		edge.Post(prefix+"auth/two-factor/disable", edge.Authenticated, most, h.disableTwoFactor).LimitedByAddress().
			Named("disableTwoFactor", "Turn the second factor off.").Example(`{"password":"$PASSWORD","code":"$CODE"}`),

		edge.Get(prefix+"users/me", edge.Authenticated, h.me).
			Named("me", "Show your account."),
		edge.Patch(prefix+"users/me", edge.Authenticated, most, h.updateMe).
			Named("updateMe", "Change your account: what the body names, and nothing else.").Example(`{"fullName":"Ada Lovelace","preferences":{"theme":"dark"}}`),
		edge.Put(prefix+"users/me/password", edge.Authenticated, most, h.changePassword).
			Named("changePassword", "Change your password. Your other sessions end.").Example(`{"currentPassword":"$PASSWORD","newPassword":"$NEW_PASSWORD"}`),
		edge.Get(prefix+"users/me/sessions", edge.Authenticated, h.sessions).
			Named("sessions", "List your sessions, the latest used first."),
		edge.Delete(prefix+"users/me/sessions/{session}", edge.Authenticated, h.endSession).
			Named("endSession", "End another of your sessions."),
		edge.Get(prefix+"users/me/organizations", edge.Authenticated, h.organizations).Takes(pages...).
			Named("organizations", "List your organizations."),
		edge.Get(prefix+"organizations", edge.Authenticated, h.organizations).Takes(pages...).
			Named("listOrganizations", "List your organizations."),
		edge.Post(prefix+"organizations", edge.Authenticated, most, h.createOrganization).Creates().
			Named("createOrganization", "Make an organization, of which you are the owner.", credential.InProgress).Example(`{"name":"Acme Games","slug":"acme-games","description":"We make games."}`),
		edge.Post(prefix+"invitations/{token}/accept", edge.Authenticated, 0, h.acceptInvitation).
			Named("acceptInvitation", "Become a member by the code of an invitation, which is for your address."),

		edge.Get("/health", edge.Public, h.healthy).Steady().
			Named("healthOfBunShip", "Say that the process runs."),
		edge.Get("/health/ready", edge.Public, h.ready).
			Named("readyOfBunShip", "Say that the database can be read."),
	}
}

// pages are the parameters of lists that are paged by number.
var pages = []string{"page", "pageSize"}

func (h *handlers) organizationRoutes() []edge.Route {
	const own = prefix + "organizations/{organization}"
	const base = own + "/"
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	return append(h.webhookRoutes(base),
		edge.Post(base+"api-keys", write, most, h.createKey).
			Named("createKey", "Make an API key. It is shown in this answer alone.").Example(`{"name":"CI","scopes":["read:members"],"mode":"live"}`),
		edge.Get(base+"api-keys", read, h.listKeys).
			Named("listKeys", "List the API keys."),
		edge.Get(base+"api-keys/{key}", read, h.getKey).
			Named("getKey", "Show an API key, but for its text."),
		edge.Delete(base+"api-keys/{key}", write, h.revokeKey).CostsNothing().
			Named("revokeKey", "Revoke an API key for good."),
		edge.Get(base+"api-keys/{key}/usage", read, h.keyUsage).
			Named("keyUsage", "Tell how often an API key was used, and when last."),
		edge.Get(own, edge.Needs(credential.OrganizationRead), h.getOrganization).
			Named("getOrganization", "Show an organization."),
		edge.Patch(own, edge.Needs(credential.OrganizationWrite), most, h.updateOrganization).
			Named("updateOrganization", "Change what is said of an organization: what the body names, and nothing else. Settings are merged.").Example(`{"settings":{"theme":"dark"}}`),
		edge.Delete(own, edge.Needs(credential.OrganizationWrite), h.deleteOrganization).
			Named("deleteOrganization", "Delete an organization. All that acts in it stops."),
		edge.Get(base+"members", edge.Needs(credential.MembersRead), h.members).Takes(pages...).
			Named("members", "List the members."),
		edge.Patch(base+"members/{member}", edge.Needs(credential.MembersWrite), most, h.updateMember).
			Named("updateMember", "Change what a member is.").Example(`{"role":"viewer"}`),
		edge.Delete(base+"members/{member}", edge.Needs(credential.MembersWrite), h.removeMember).
			Named("removeMember", "End a membership, with the tokens that the user has here."),
		edge.Post(base+"invitations", edge.Needs(credential.MembersWrite), most, h.invite).Creates().
			Named("invite", "Invite an address to become a member. The link is shown in this answer alone.", credential.TooMany).Example(`{"email":"grace@example.com","role":"member"}`),
		edge.Get(base+"invitations", edge.Needs(credential.MembersWrite), h.invitations).Takes(pages...).
			Named("invitations", "List the invitations."),
		edge.Delete(base+"invitations/{invitation}", edge.Needs(credential.MembersWrite), h.withdrawInvitation).
			Named("withdrawInvitation", "Take an invitation back."),
		edge.Get(base+"audit-logs", edge.Needs(credential.AuditRead), h.auditLogs).Takes(auditFilters...).
			Named("auditLogs", "List what was done, the latest first."),
	)
}

// writeLimit tells what is left of the requests of a minute.
func writeLimit(h http.Header, l credential.Limit) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.Reset.Unix(), 10))
}

// present takes the credential from Authorization or from X-API-Key; where it
// stands in both, it must be the same key.
func present(h http.Header) (edge.Presented, error) {
	authorization, keys := h["Authorization"], h["X-Api-Key"]
	if len(authorization) != 1 || len(keys) != 1 {
		return edge.FromHeaders(h)
	}
	bearer, err := edge.FromHeaders(http.Header{"Authorization": authorization})
	if err != nil {
		return bearer, err
	}
	key, err := edge.FromHeaders(http.Header{"X-Api-Key": keys})
	if err != nil || bearer.As != credential.AsBearer || bearer.Text != key.Text {
		return edge.Presented{}, &edge.Denial{Code: credential.CodeMalformed}
	}
	return key, nil
}

// problem is the body of an error.
type problem struct {
	Success bool         `json:"success"`
	Error   problemError `json:"error"`
}

type problemError struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Details *details `json:"details,omitzero"`
}

type details struct {
	Field             string `json:"field,omitzero"`
	RequiresTwoFactor bool   `json:"requiresTwoFactor,omitzero"`
	RequestID         string `json:"requestId,omitzero"`
}

// writeUserError shapes an error of the routes of a user.
func writeUserError(w http.ResponseWriter, f edge.Failure, requestID string) {
	if d := f.Denied; d != nil && f.Status == http.StatusUnauthorized {
		switch {
		case d.Code == "":
			f.Detail = "Missing or invalid authorization header"
		case d.Code == credential.CodeExpired && d.Token:
			f.Detail = "Token has expired"
		default:
			f.Detail = "Invalid or expired token"
		}
	}
	write(w, f, requestID)
}

// writeKeyError shapes an error of the routes that API keys are for.
func writeKeyError(w http.ResponseWriter, f edge.Failure, requestID string) {
	d := f.Denied
	switch {
	case d == nil:
	case d.Code == "":
		f.Detail = "Missing X-API-Key header"
	case d.Code == credential.CodeScope && (d.Permission == credential.CredentialsRead || d.Permission == credential.CredentialsWrite):
		f.Detail = notManaging // which no scope of a key is for
	case d.Code == credential.CodeScope && d.Permission == credential.OrganizationWrite:
		f.Detail = "An organization is changed by an owner or admin who has signed in" // as well
	case d.Code == credential.CodeScope:
		f.Detail = "Missing required scope: " + scopeOf(d.Permission)
	case d.Token, f.Status != http.StatusUnauthorized:
		writeUserError(w, f, requestID)
		return
	case d.Code == credential.CodeRevoked, d.Code == credential.CodeSuspended, d.Code == credential.CodeOwnerInactive:
		f.Detail = "API key is inactive"
	case d.Code == credential.CodeExpired:
		f.Detail = "API key has expired"
	default:
		f.Detail = "Invalid API key"
	}
	write(w, f, requestID)
}

// scopeOf spells a permission the way that BunShip's scopes are spelled.
func scopeOf(p credential.Permission) string {
	switch p {
	case credential.AuditRead:
		return "read:audit-logs"
	case credential.OrganizationRead:
		return "read:members"
	}
	noun, verb, _ := strings.Cut(string(p), ":")
	return verb + ":" + noun
}

func write(w http.ResponseWriter, f edge.Failure, requestID string) {
	if f.Status == http.StatusUnprocessableEntity {
		f.Status = http.StatusBadRequest
	}
	p := problem{Error: problemError{Code: codeOf(f), Message: f.Detail}}
	switch {
	case f.Code == string(credential.CodeRequired):
		p.Error.Details = &details{RequiresTwoFactor: true}
	case f.Field != "":
		p.Error.Details = &details{Field: f.Field}
		p.Error.Message = f.Field + ": " + f.Detail
	case f.Status >= http.StatusInternalServerError:
		p.Error.Details = &details{RequestID: requestID}
	}
	body, err := json.Marshal(p)
	if err != nil { // a name in the request that is no UTF-8
		body = []byte(`{"success":false,"error":{"code":"PARSE_ERROR","message":"the request is not valid UTF-8"}}`)
		f.Status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

// codes are BunShip's words for what a status means.
var codes = map[int]string{
	http.StatusUnauthorized:          "AUTHENTICATION_ERROR",
	http.StatusForbidden:             "AUTHORIZATION_ERROR",
	http.StatusNotFound:              "NOT_FOUND",
	http.StatusMethodNotAllowed:      "NOT_FOUND",
	http.StatusConflict:              "CONFLICT",
	http.StatusTooManyRequests:       "RATE_LIMIT_EXCEEDED",
	http.StatusUnsupportedMediaType:  "PARSE_ERROR",
	http.StatusRequestEntityTooLarge: "VALIDATION_ERROR",
}

// detailed is an error with its details, or nil.
func detailed(err error) *credential.Error {
	var e *credential.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

func codeOf(f edge.Failure) string {
	code, known := codes[f.Status]
	switch {
	case known:
		return code
	case f.Status >= http.StatusInternalServerError:
		return "INTERNAL_ERROR"
	case f.Code == string(credential.BadRequest) && f.Field == "":
		return "PARSE_ERROR"
	}
	return "VALIDATION_ERROR"
}

// message is an answer that says only what was done.
type message struct {
	Message string `json:"message"`
}

// done is a message that says that it was.
type done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// Ids as BunShip writes them.
func userID(id uuid.UUID) string         { return authority.PublicID("usr", id) }
func organizationID(id uuid.UUID) string { return authority.PublicID("org", id) }
func keyID(id uuid.UUID) string          { return authority.PublicID("key", id) }
func sessionID(id uuid.UUID) string      { return authority.PublicID("ses", id) }

// role is what BunShip calls a role.
func role(r credential.Role) string {
	if r == credential.Guest {
		return "viewer"
	}
	return string(r)
}
