// Package rest is the native API under /v1, and the two health checks. It
// translates between wire types and the authority; it decides nothing itself.
package rest

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// Bounds of bodies, in bytes.
const (
	small = 64 << 10
	large = 1 << 20
)

// handlers answers the native routes.
type handlers struct {
	authority *authority.Authority
	workspace *workspace.Workspace
	root      *seal.Root // for cursors
}

// Surface returns the native API of an authority, and of what is in projects.
func Surface(a *authority.Authority, w *workspace.Workspace, root *seal.Root) *edge.Surface {
	h := &handlers{a, w, root}
	return &edge.Surface{Routes: h.routes(), Present: edge.FromHeaders, WriteError: edge.WriteProblem, Error: api.Problem{}}
}

// routes is the whole native API.
func (h *handlers) routes() []edge.Route {
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	return append([]edge.Route{
		edge.Get("/healthz", edge.Public, h.healthy).Steady().
			Named("health", "Say that the process runs."),
		edge.Get("/readyz", edge.Public, h.ready).
			Named("ready", "Say that the database can be read."),

		edge.Post("/v1/verify", edge.Needs(credential.CredentialsVerify), small, h.verify).Reads().Keyed().CostsNothing().Counted().
			Named("verify", "Decide whether a credential may do something now. A refusal is a decision too and answers 200: the code says why. What it costs is paid by then; under one Idempotency-Key it is paid once a day."),
		edge.Post("/v1/revoke", edge.Public, small, h.revokeByPossession).
			Named("revokeSecret", "Revoke the credential of a secret that somebody found. The answer is the same for a secret that never was."),
		edge.Post("/v1/setup", edge.Public, small, h.setup).Creates().
			Named("setUp", "Make the first organization, its owner and a key with every permission. It works once, with the code that the server prints when it starts.", credential.Forbidden, credential.Conflict),

		edge.Get("/v1/self", edge.Authenticated, h.self).
			Named("getSelf", "Say who the caller is and what it may do."),
		edge.Post("/v1/self/rotate", edge.Authenticated, small, h.rotateSelf).
			Named("rotateSelf", "Give the caller's own credential a new secret. The answer is the only one that holds it.", credential.InProgress),
		edge.Post("/v1/self/revoke", edge.Authenticated, 0, h.revokeSelf).CostsNothing().
			Named("revokeSelf", "Revoke the caller's own credential for good."),
		edge.Get("/v1/schemes", edge.Authenticated, h.schemes).
			Named("listSchemes", "List the schemes that credentials can be of. All of them stand on one page."),

		edge.Post("/v1/credentials", write, large, h.createCredential).Creates().
			Named("createCredential", "Issue a credential. The answer is the only one that holds its secret.", credential.LimitReached, credential.InProgress),
		edge.Get("/v1/credentials", read, h.listCredentials).Takes(append([]string{"limit", "cursor"}, credentialFilters...)...).
			Named("listCredentials", "List credentials, the newest first. Callers above every organization name one together with a project or a user."),
		edge.Get("/v1/credentials/{id}", read, h.getCredential).
			Named("getCredential", "Show a credential.", credential.Damaged),
		edge.Get("/v1/credentials/{id}/activity", read, h.activity).Takes("organization", "before", "limit").
			Named("getActivity", "Show where a credential was used the last time, how often it was, and what it did, the latest first. What one of the installation did in an organization is found by naming that.", credential.Damaged),
		edge.Get("/v1/credentials/{id}/requests", read, h.listCalls).Takes("limit", "cursor").
			Named("listRequests", "List the requests to this API and to those of other services that a credential made, the latest first. Its own verifications of other credentials are counted, and not listed.", credential.Damaged),
		edge.Patch("/v1/credentials/{id}", write, large, h.updateCredential).
			Named("updateCredential", "Change a credential. What is absent stays; an expiry only moves closer.", credential.Damaged, credential.PreconditionFailed),
		edge.Post("/v1/credentials/{id}/rotate", write, small, h.rotateCredential).
			Named("rotateCredential", "Give a credential a new secret. The one before works during the grace; the answer is the only one that holds the new one.", credential.Damaged, credential.InProgress, credential.PreconditionFailed),
		edge.Post("/v1/credentials/{id}/suspend", write, 0, h.suspendCredential).CostsNothing().
			Named("suspendCredential", "Suspend a credential, from the next request on.", credential.Damaged, credential.PreconditionFailed),
		edge.Post("/v1/credentials/{id}/resume", write, 0, h.resumeCredential).
			Named("resumeCredential", "Let a suspended credential work again.", credential.Damaged, credential.PreconditionFailed),
		edge.Post("/v1/credentials/{id}/revoke", write, 0, h.revokeCredential).CostsNothing().
			Named("revokeCredential", "Revoke a credential for good, from the next request on.", credential.PreconditionFailed),
		edge.Lines("/v1/organizations/{organization}/import", write, large, h.importCredentials).Takes("dry_run", "all_or_nothing").
			Named("importCredentials", "Take over credentials that another system issued, with the secrets that they have: one JSON object a line, up to 1000. The answer says of each line what became of it."),

		edge.Put("/v1/credentials/{id}/jwks", write, authority.MaxClientKeys, h.setClientKeys).
			Named("setClientKeys", "Replace the public keys of an OAuth2 client.", credential.Damaged, credential.PreconditionFailed),
		edge.Delete("/v1/credentials/{id}/jwks", write, h.removeClientKeys).
			Named("removeClientKeys", "Take the public keys of an OAuth2 client away.", credential.Damaged, credential.Invalid, credential.PreconditionFailed),

		edge.Get("/v1/signing-keys", edge.Needs(credential.OrganizationRead), h.listSigningKeys).
			Named("listSigningKeys", "List the keys that sign access tokens. The operator alone may."),
		edge.Post("/v1/signing-keys/rotate", edge.Needs(credential.OrganizationWrite), small, h.rotateSigningKeys).
			Named("rotateSigningKeys", "Make a new key that signs access tokens. The operator alone may."),

		edge.Get("/v1/root-keys", edge.Needs(credential.OrganizationRead), h.listRootKeys).
			Named("listRootKeys", "List the root keys that the database knows, and what still needs each. The operator alone may."),
		edge.Post("/v1/root-keys/retire", edge.Needs(credential.OrganizationWrite), small, h.retireRootKey).
			Named("retireRootKey", "End the time of an older root key. From the next start on it isn't understood any more. The operator alone may."),

		edge.Post("/v1/console-codes", edge.Needs(credential.OrganizationWrite), 0, h.createConsoleCode).Creates().CostsNothing().
			Named("createConsoleCode", "Make a code by which the operator signs in to the console: once, and within five minutes. The operator alone may."),

		edge.Post("/v1/organizations", edge.Needs(credential.OrganizationWrite), small, h.createOrganization).Creates().
			Named("createOrganization", "Make an organization. The operator alone may.", credential.InProgress),
		edge.Get("/v1/organizations", edge.Needs(credential.OrganizationRead), h.listOrganizations).Takes("limit", "cursor").
			Named("listOrganizations", "List the organizations that the caller reaches."),
		edge.Get("/v1/organizations/{organization}", edge.Needs(credential.OrganizationRead), h.getOrganization).
			Named("getOrganization", "Show an organization."),
		edge.Post("/v1/organizations/{organization}/suspend", edge.Needs(credential.OrganizationWrite), 0, h.suspendOrganization).CostsNothing().
			Named("suspendOrganization", "Suspend an organization with all its credentials. The operator alone may.", credential.PreconditionFailed),
		edge.Post("/v1/organizations/{organization}/resume", edge.Needs(credential.OrganizationWrite), 0, h.resumeOrganization).
			Named("resumeOrganization", "Let a suspended organization work again. The operator alone may.", credential.PreconditionFailed),

		edge.Post("/v1/organizations/{organization}/members", edge.Needs(credential.MembersWrite), small, h.createMember).Creates().
			Named("createMember", "Add a user to an organization. One whose address is known is added as they are; the operator alone may.", credential.InProgress),
		edge.Post("/v1/organizations/{organization}/service-users", edge.Needs(credential.MembersWrite), small, h.createServiceUser).Creates().
			Named("createServiceUser", "Make a member that nobody signs in as. Owners and admins make its tokens. It takes an owner or admin who has signed in.", credential.InProgress),
		edge.Get("/v1/organizations/{organization}/members", edge.Needs(credential.MembersRead), h.listMembers).Takes("limit", "cursor").
			Named("listMembers", "List the members of an organization."),
		edge.Get("/v1/organizations/{organization}/members/{user}", edge.Needs(credential.MembersRead), h.getMember).
			Named("getMember", "Show a member of an organization.", credential.Invalid),
		edge.Put("/v1/organizations/{organization}/members/{user}", edge.Needs(credential.MembersWrite), small, h.setRole).
			Named("setRole", "Change the role of a member. It takes an owner or admin who has signed in.", credential.Conflict, credential.PreconditionFailed),
		edge.Delete("/v1/organizations/{organization}/members/{user}", edge.Needs(credential.MembersWrite), h.removeMember).
			Named("removeMember", "End a membership, with the credentials that the user has there. It takes an owner or admin who has signed in, or the member.", credential.Invalid, credential.Conflict, credential.PreconditionFailed),

		edge.Post("/v1/organizations/{organization}/invitations", edge.Needs(credential.MembersWrite), small, h.invite).Creates().
			Named("createInvitation", "Invite an address to become a member. The answer is the only one that holds the code; an invitation before to the same address is dead. A user makes at most 100 a day.", credential.TooMany),
		edge.Get("/v1/organizations/{organization}/invitations", edge.Needs(credential.MembersWrite), h.listInvitations).Takes("limit", "cursor").
			Named("listInvitations", "List the invitations of an organization."),
		edge.Delete("/v1/organizations/{organization}/invitations/{invitation}", edge.Needs(credential.MembersWrite), h.withdrawInvitation).
			Named("withdrawInvitation", "Take an invitation back."),
		edge.Post("/v1/invitations/accept", edge.Authenticated, small, h.acceptInvitation).
			Named("acceptInvitation", "Become a member by the code of an invitation. It takes a user who has signed in with the address that was invited.", credential.Forbidden, credential.Conflict),
	}, slices.Concat(h.projectRoutes(), h.trustRoutes(), h.webhookRoutes(), h.userRoutes(), h.policyRoutes(), h.providerRoutes(), h.budgetRoutes(), h.limitRoutes(), h.usageRoutes(), h.runRoutes(), h.testRoutes())...)
}

// projectRoutes are those of projects and of the audit.
func (h *handlers) projectRoutes() []edge.Route {
	return []edge.Route{
		edge.Post("/v1/organizations/{organization}/projects", edge.Needs(credential.ProjectsWrite), small, h.createProject).Creates().
			Named("createProject", "Make a project.", credential.InProgress),
		edge.Get("/v1/organizations/{organization}/projects", edge.Needs(credential.ProjectsRead), h.listProjects).Takes("limit", "cursor").
			Named("listProjects", "List the projects that the caller reaches."),
		edge.Get("/v1/organizations/{organization}/projects/{project}", edge.Needs(credential.ProjectsRead), h.getProject).
			Named("getProject", "Show a project."),
		edge.Delete("/v1/organizations/{organization}/projects/{project}", edge.Needs(credential.ProjectsWrite), h.deleteProject).
			Named("deleteProject", "Delete a project for good, with its credentials.", credential.PreconditionFailed),
		edge.Post("/v1/organizations/{organization}/projects/{project}/archive", edge.Needs(credential.ProjectsWrite), 0, h.archiveProject).
			Named("archiveProject", "Archive a project. Its credentials stop working.", credential.PreconditionFailed),
		edge.Post("/v1/organizations/{organization}/projects/{project}/restore", edge.Needs(credential.ProjectsWrite), 0, h.restoreProject).
			Named("restoreProject", "Bring an archived project back.", credential.PreconditionFailed),
		edge.Get("/v1/organizations/{organization}/projects/{project}/members/{user}", edge.Needs(credential.MembersRead), h.getProjectMember).
			Named("getProjectMember", "Show the role of a member in a project.", credential.Invalid),
		edge.Put("/v1/organizations/{organization}/projects/{project}/members/{user}", edge.Needs(credential.MembersWrite), small, h.setProjectRole).
			Named("setProjectRole", "Give a member a role in a project.", credential.PreconditionFailed),
		edge.Delete("/v1/organizations/{organization}/projects/{project}/members/{user}", edge.Needs(credential.MembersWrite), h.removeProjectMember).
			Named("removeProjectMember", "Take a member out of a project.", credential.Invalid, credential.PreconditionFailed),
		edge.Get("/v1/organizations/{organization}/projects/{project}/virtual-users", edge.Needs(credential.MembersRead), h.listVirtualUsers).Takes("limit", "cursor").
			Named("listVirtualUsers", "List those whom the credentials of a project have vouched for. Nobody signs in as one of them."),
		edge.Delete("/v1/organizations/{organization}/projects/{project}/virtual-users/{virtual}", edge.Needs(credential.ProjectsWrite), h.deleteVirtualUser).
			Named("deleteVirtualUser", "Forget who a virtual user is, for good. What the person wrote stays, and is nobody's in particular."),

		edge.Get("/v1/audit/events", edge.Needs(credential.AuditRead), h.listEvents).Takes("organization", "after", "limit", "action", "actor", "subject", "target", "since", "until").
			Named("listEvents", "List the audit events of a chain that fit what is asked for, the oldest first. Pass the last sequence on as after."),
		edge.Get("/v1/audit/export", edge.Needs(credential.AuditRead), h.exportEvents).Takes("organization", "after", "format", "action", "actor", "subject", "target", "since", "until").Streams(api.Event{}, exportMedia...).
			Named("exportEvents", "Export the audit events of a chain that fit what is asked for, the oldest first, one a line. An answer that was broken off is continued by the last sequence as after."),
		edge.Get("/v1/audit/verify", edge.Needs(credential.AuditRead), h.verifyAudit).Takes("organization").
			Named("verifyAudit", "Check that nothing was removed from audit chains or changed in them."),
	}
}

// userRoutes are about people, whatever organizations they are in. They are the operator's alone.
func (h *handlers) userRoutes() []edge.Route {
	read, write := edge.Needs(credential.MembersRead), edge.Needs(credential.MembersWrite)
	return []edge.Route{
		edge.Get("/v1/users/{user}", read, h.getUser).
			Named("getUser", "Show a user of the installation. The operator alone may.", credential.Invalid),
		edge.Delete("/v1/users/{user}", write, h.deleteUser).
			Named("deleteUser", "Delete a user for good. The operator alone may.", credential.Invalid, credential.Conflict),
		edge.Post("/v1/users/{user}/deactivate", write, 0, h.deactivateUser).
			Named("deactivateUser", "Shut a user out everywhere, for good for the credentials that are their own. The operator alone may.", credential.Invalid),
		edge.Post("/v1/users/{user}/reactivate", write, 0, h.reactivateUser).
			Named("reactivateUser", "Let a deactivated user sign in again. The operator alone may.", credential.Invalid),
		edge.Post("/v1/users/{user}/unlock", write, 0, h.unlockUser).
			Named("unlockUser", "Lift the lock that too many wrong passwords put on an account. The operator alone may.", credential.Invalid),
		edge.Post("/v1/users/{user}/password-code", write, 0, h.makePasswordCode).
			Named("makePasswordCode", "Make a one-time code by which a user chooses a new password. The answer is the only one that holds it; the operator alone may.", credential.Invalid),
		edge.Delete("/v1/users/{user}/two-factor", write, h.resetTwoFactor).
			Named("resetTwoFactor", "Turn the second factor of a user off. The operator alone may.", credential.Invalid),
		edge.Get("/v1/users/{user}/sessions", read, h.listSessions).
			Named("listSessions", "List the sessions of a user, the latest used first. The operator alone may.", credential.Invalid),
		edge.Delete("/v1/users/{user}/sessions", write, h.endSessions).
			Named("endSessions", "End all sessions of a user. The operator alone may.", credential.Invalid),
		edge.Delete("/v1/users/{user}/sessions/{session}", write, h.endSession).
			Named("endSession", "End one session of a user. The operator alone may.", credential.Invalid),
	}
}

func (h *handlers) healthy(*edge.Request, edge.None) (api.Health, error) {
	return api.Health{Status: "ok"}, nil
}

func (h *handlers) ready(r *edge.Request, _ edge.None) (api.Health, error) {
	if err := h.authority.Ready(r.Context()); err != nil {
		return api.Health{}, credential.Errorf(credential.Unavailable, "the storage doesn't answer")
	}
	return api.Health{Status: "ok", Degraded: h.authority.Degraded()}, nil
}
