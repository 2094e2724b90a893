// Package rest is the native API under /v1, and the two health checks. It
// translates between wire types and the authority; it decides nothing itself.
package rest

import (
	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// Bounds of bodies, in bytes.
const (
	small = 64 << 10
	large = 1 << 20
)

// handlers answers the native routes.
type handlers struct {
	authority *authority.Authority
	root      *seal.Root // for cursors
}

// Surface returns the native API of an authority.
func Surface(a *authority.Authority, root *seal.Root) *edge.Surface {
	h := &handlers{a, root}
	return &edge.Surface{Routes: h.routes(), Present: edge.FromHeaders, WriteError: edge.WriteProblem}
}

// routes is the whole native API.
func (h *handlers) routes() []edge.Route {
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	return append([]edge.Route{
		edge.Get("/healthz", edge.Public, h.healthy),
		edge.Get("/readyz", edge.Public, h.ready),

		edge.Post("/v1/verify", edge.Needs(credential.CredentialsVerify), small, h.verify),
		edge.Post("/v1/revoke", edge.Public, small, h.revokeByPossession),
		edge.Post("/v1/setup", edge.Public, small, h.setup).Creates(),

		edge.Get("/v1/self", edge.Authenticated, h.self),
		edge.Post("/v1/self/rotate", edge.Authenticated, small, h.rotateSelf),
		edge.Post("/v1/self/revoke", edge.Authenticated, 0, h.revokeSelf),
		edge.Get("/v1/schemes", edge.Authenticated, h.schemes),

		edge.Post("/v1/credentials", write, large, h.createCredential).Creates(),
		edge.Get("/v1/credentials", read, h.listCredentials).Takes(append([]string{"limit", "cursor"}, credentialFilters...)...),
		edge.Get("/v1/credentials/{id}", read, h.getCredential),
		edge.Patch("/v1/credentials/{id}", write, large, h.updateCredential),
		edge.Post("/v1/credentials/{id}/rotate", write, small, h.rotateCredential),
		edge.Post("/v1/credentials/{id}/suspend", write, 0, h.suspendCredential),
		edge.Post("/v1/credentials/{id}/resume", write, 0, h.resumeCredential),
		edge.Post("/v1/credentials/{id}/revoke", write, 0, h.revokeCredential),

		edge.Put("/v1/credentials/{id}/jwks", write, authority.MaxClientKeys, h.setClientKeys),
		edge.Delete("/v1/credentials/{id}/jwks", write, h.removeClientKeys),

		edge.Get("/v1/signing-keys", edge.Needs(credential.OrganizationRead), h.listSigningKeys),
		edge.Post("/v1/signing-keys/rotate", edge.Needs(credential.OrganizationWrite), small, h.rotateSigningKeys),

		edge.Post("/v1/organizations", edge.Needs(credential.OrganizationWrite), small, h.createOrganization).Creates(),
		edge.Get("/v1/organizations", edge.Needs(credential.OrganizationRead), h.listOrganizations).Takes("limit", "cursor"),
		edge.Get("/v1/organizations/{organization}", edge.Needs(credential.OrganizationRead), h.getOrganization),
		edge.Post("/v1/organizations/{organization}/suspend", edge.Needs(credential.OrganizationWrite), 0, h.suspendOrganization),
		edge.Post("/v1/organizations/{organization}/resume", edge.Needs(credential.OrganizationWrite), 0, h.resumeOrganization),

		edge.Post("/v1/organizations/{organization}/members", edge.Needs(credential.MembersWrite), small, h.createMember).Creates(),
		edge.Get("/v1/organizations/{organization}/members", edge.Needs(credential.MembersRead), h.listMembers).Takes("limit", "cursor"),
		edge.Put("/v1/organizations/{organization}/members/{user}", edge.Needs(credential.MembersWrite), small, h.setRole),
		edge.Delete("/v1/organizations/{organization}/members/{user}", edge.Needs(credential.MembersWrite), h.removeMember),

		edge.Post("/v1/organizations/{organization}/invitations", edge.Needs(credential.MembersWrite), small, h.invite).Creates(),
		edge.Get("/v1/organizations/{organization}/invitations", edge.Needs(credential.MembersWrite), h.listInvitations).Takes("limit", "cursor"),
		edge.Delete("/v1/organizations/{organization}/invitations/{invitation}", edge.Needs(credential.MembersWrite), h.withdrawInvitation),
		edge.Post("/v1/invitations/accept", edge.Authenticated, small, h.acceptInvitation),

		edge.Post("/v1/organizations/{organization}/projects", edge.Needs(credential.ProjectsWrite), small, h.createProject).Creates(),
		edge.Get("/v1/organizations/{organization}/projects", edge.Needs(credential.ProjectsRead), h.listProjects).Takes("limit", "cursor"),
		edge.Get("/v1/organizations/{organization}/projects/{project}", edge.Needs(credential.ProjectsRead), h.getProject),
		edge.Delete("/v1/organizations/{organization}/projects/{project}", edge.Needs(credential.ProjectsWrite), h.deleteProject),
		edge.Post("/v1/organizations/{organization}/projects/{project}/archive", edge.Needs(credential.ProjectsWrite), 0, h.archiveProject),
		edge.Post("/v1/organizations/{organization}/projects/{project}/restore", edge.Needs(credential.ProjectsWrite), 0, h.restoreProject),
		edge.Put("/v1/organizations/{organization}/projects/{project}/members/{user}", edge.Needs(credential.MembersWrite), small, h.setProjectRole),
		edge.Delete("/v1/organizations/{organization}/projects/{project}/members/{user}", edge.Needs(credential.MembersWrite), h.removeProjectMember),

		edge.Get("/v1/audit/events", edge.Needs(credential.AuditRead), h.listEvents).Takes("organization", "after", "limit", "action", "actor", "subject", "target", "since", "until"),
		edge.Get("/v1/audit/verify", edge.Needs(credential.AuditRead), h.verifyAudit).Takes("organization"),
	}, h.userRoutes()...)
}

// userRoutes are about people, whatever organizations they are in. They are the operator's alone.
func (h *handlers) userRoutes() []edge.Route {
	read, write := edge.Needs(credential.MembersRead), edge.Needs(credential.MembersWrite)
	return []edge.Route{
		edge.Get("/v1/users/{user}", read, h.getUser),
		edge.Delete("/v1/users/{user}", edge.Needs(credential.MembersWrite), h.deleteUser),
		edge.Post("/v1/users/{user}/deactivate", write, 0, h.deactivateUser),
		edge.Post("/v1/users/{user}/reactivate", write, 0, h.reactivateUser),
		edge.Post("/v1/users/{user}/unlock", write, 0, h.unlockUser),
		edge.Post("/v1/users/{user}/password-code", write, 0, h.makePasswordCode),
		edge.Delete("/v1/users/{user}/two-factor", write, h.resetTwoFactor),
		edge.Get("/v1/users/{user}/sessions", read, h.listSessions),
		edge.Delete("/v1/users/{user}/sessions", write, h.endSessions),
		edge.Delete("/v1/users/{user}/sessions/{session}", write, h.endSession),
	}
}

func (h *handlers) healthy(*edge.Request, edge.None) (api.Health, error) {
	return api.Health{Status: "ok"}, nil
}

func (h *handlers) ready(r *edge.Request, _ edge.None) (api.Health, error) {
	if err := h.authority.Ready(r.Context()); err != nil {
		return api.Health{}, credential.Errorf(credential.Unavailable, "the storage doesn't answer")
	}
	return api.Health{Status: "ok"}, nil
}
