package credential

import (
	"math/bits"
	"slices"
	"strings"
)

// Permission is the single act that a route needs, such as "issues:write".
type Permission string

// The native permissions.
const (
	CredentialsRead       Permission = "credentials:read"
	CredentialsWrite      Permission = "credentials:write"
	CredentialsVerify     Permission = "credentials:verify"
	AuditRead             Permission = "audit:read"
	OrganizationRead      Permission = "organization:read"
	OrganizationWrite     Permission = "organization:write"
	MembersRead           Permission = "members:read"
	MembersWrite          Permission = "members:write"
	ProjectsRead          Permission = "projects:read"
	ProjectsWrite         Permission = "projects:write"
	IssuesRead            Permission = "issues:read"
	IssuesWrite           Permission = "issues:write"
	TestsRead             Permission = "tests:read"
	TestsWrite            Permission = "tests:write"
	ResultsRead           Permission = "results:read"
	ResultsWrite          Permission = "results:write"
	ArtifactsRead         Permission = "artifacts:read"
	ArtifactsWrite        Permission = "artifacts:write"
	WebhooksRead          Permission = "webhooks:read"
	WebhooksWrite         Permission = "webhooks:write"
	UsageRead             Permission = "usage:read"
	UsageWrite            Permission = "usage:write"
	BugReportsCreate      Permission = "bug_reports:create"
	FeatureRequestsCreate Permission = "feature_requests:create"
	SupportTicketsCreate  Permission = "support_tickets:create"
)

// permissions lists the native permissions; the place in it is the bit in a
// PermissionSet. Append only.
var permissions = [...]Permission{
	CredentialsRead, CredentialsWrite, CredentialsVerify, AuditRead, OrganizationRead, OrganizationWrite,
	MembersRead, MembersWrite, ProjectsRead, ProjectsWrite, IssuesRead, IssuesWrite, TestsRead, TestsWrite,
	ResultsRead, ResultsWrite, ArtifactsRead, ArtifactsWrite, WebhooksRead, WebhooksWrite, UsageRead, UsageWrite,
	BugReportsCreate, FeatureRequestsCreate, SupportTicketsCreate,
}

// Permissions returns the native permissions in their fixed order.
func Permissions() []Permission { return slices.Clone(permissions[:]) }

// PermissionSet is a set of native permissions.
type PermissionSet uint64

// PermissionsOf makes a set. A permission that is not native is left out.
func PermissionsOf(list ...Permission) (set PermissionSet) {
	for _, p := range list {
		set |= p.bit()
	}
	return set
}

func (p Permission) bit() PermissionSet {
	for i := range permissions {
		if permissions[i] == p {
			return 1 << i
		}
	}
	return 0
}

// Native reports whether p is one of Gatehouse's own permissions. Any other
// text is a permission of the service that asks, granted by a scope of that
// very name.
func (p Permission) Native() bool { return p.bit() != 0 }

// Has reports whether p is in the set.
func (s PermissionSet) Has(p Permission) bool { b := p.bit(); return b != 0 && s&b == b }

// Covers reports whether every permission of other is in the set.
func (s PermissionSet) Covers(other PermissionSet) bool { return other&^s == 0 }

// List returns the permissions of the set in their fixed order.
func (s PermissionSet) List() []Permission {
	list := make([]Permission, 0, bits.OnesCount64(uint64(s)))
	for i, p := range permissions {
		if s&(1<<i) != 0 {
			list = append(list, p)
		}
	}
	return list
}

// allPermissions is every native permission.
const allPermissions PermissionSet = 1<<len(permissions) - 1

// What roles allow, worked out once.
var (
	readPermissions    = suffixed(":read") &^ PermissionsOf(AuditRead)
	memberPermissions  = readPermissions | PermissionsOf(CredentialsWrite) // its own credentials only
	projectPermissions = PermissionsOf(IssuesWrite, TestsWrite, ResultsWrite, ArtifactsWrite,
		BugReportsCreate, FeatureRequestsCreate, SupportTicketsCreate)
	projectAdminPermissions = projectPermissions | PermissionsOf(ProjectsWrite, WebhooksWrite, UsageWrite, CredentialsWrite)
)

// suffixed is every native permission whose name ends in suffix.
func suffixed(suffix string) (set PermissionSet) {
	for i, p := range permissions {
		if strings.HasSuffix(string(p), suffix) {
			set |= 1 << i
		}
	}
	return set
}

// Role is what a member is in an organization.
type Role string

// The roles of an organization, from most to least.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Member Role = "member"
	Guest  Role = "guest"
)

// Valid reports whether r is a role.
func (r Role) Valid() bool { return r == Owner || r == Admin || r == Member || r == Guest }

// Manages reports whether the role administers the whole organization.
func (r Role) Manages() bool { return r == Owner || r == Admin }

// Permissions is what the role allows anywhere in its organization. Writing
// in a project is what a ProjectRole adds.
func (r Role) Permissions() PermissionSet {
	switch r {
	case Owner, Admin:
		return allPermissions
	case Member:
		return memberPermissions
	case Guest:
		return readPermissions
	}
	return 0
}

// ProjectRole is what a member is in a project.
type ProjectRole string

// The roles of a project, from most to least.
const (
	ProjectAdmin ProjectRole = "admin"
	ProjectUser  ProjectRole = "user"
	ProjectGuest ProjectRole = "guest"
)

// Valid reports whether r is a project role.
func (r ProjectRole) Valid() bool { return r == ProjectAdmin || r == ProjectUser || r == ProjectGuest }

// Permissions is what the project role adds, inside that project, to what a
// member may do anyway. A guest of the organization gains nothing by it.
func (r ProjectRole) Permissions() PermissionSet {
	switch r {
	case ProjectAdmin:
		return projectAdminPermissions
	case ProjectUser:
		return projectPermissions
	}
	return 0
}
