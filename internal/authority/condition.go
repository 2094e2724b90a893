package authority

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// condition is the versions of a thing of which it must have one, for a change
// to be made (RFC 9110 section 13.1.1); "*" stands for any.
type condition struct{}

// IfMatch makes the change that is made with ctx one of a thing that has one of
// some versions still. What has none of them is PreconditionFailed, and stays.
func IfMatch(ctx context.Context, versions []string) context.Context {
	return context.WithValue(ctx, condition{}, versions)
}

// holds refuses a change of what isn't any more as its caller knows it. It is
// asked within the transaction of the change.
func holds(ctx context.Context, version string) error {
	versions, conditional := ctx.Value(condition{}).([]string)
	if !conditional || slices.Contains(versions, version) || slices.Contains(versions, "*") {
		return nil
	}
	return credential.Errorf(credential.PreconditionFailed, "this has changed since you read it; read it again")
}

// holdsAbsent refuses a change of what isn't there to a caller who knows a state
// of it, whichever.
func holdsAbsent(ctx context.Context) error {
	if ctx.Value(condition{}) == nil {
		return nil
	}
	return credential.Errorf(credential.PreconditionFailed, "this isn't there any more")
}

// version tells one state of a thing from the next.
func version(state ...any) string {
	text, _ := json.Marshal(state, json.Deterministic(true)) // of texts, numbers and times
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Version tells one state of the credential from the next, but for its use.
func (d *Detail) Version() string { return credentialVersion(d.Credential) }

func credentialVersion(c *credential.Credential) string {
	return version(c.Name, joinedScopes(c.Scopes), c.AllowedAddresses, c.RateLimit, c.Generation, c.KeysVersion, c.ExpiresAt, c.SuspendedAt, c.RevokedAt)
}

func joinedScopes(scopes []credential.Scope) (list []string) {
	for _, s := range scopes {
		list = append(list, string(s))
	}
	return list
}

// OrganizationVersion tells one state of an organization from the next.
func OrganizationVersion(o *store.Organization) string {
	return version(o.Name, o.UpdatedAt, o.SuspendedAt)
}

// ProjectVersion tells one state of a project from the next.
func ProjectVersion(p *store.Project) string { return version(p.Name, p.ArchivedAt) }

// MemberVersion tells one state of a membership from the next: not of the user.
func MemberVersion(m *store.Member) string { return version(m.Role, m.JoinedAt) }

// ProjectMemberVersion tells one state of a membership in a project from the next.
func ProjectMemberVersion(m *store.ProjectMember) string { return version(m.Role, m.JoinedAt) }

// PolicyVersion tells one policy from the next.
func PolicyVersion(p *credential.Policy) string { return version(policyDetails(p)) }

// WebhookVersion tells one state of an endpoint from the next.
func WebhookVersion(w *store.Webhook) string {
	return version(w.URL, w.Description, w.Events, w.Active, w.UpdatedAt, w.PreviousEndsAt)
}
