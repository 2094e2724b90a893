package console

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// organizationRoutes are the pages about an organization, its people and its projects.
func (c *console) organizationRoutes() []edge.Route {
	return slices.Concat(c.memberRoutes(), c.projectRoutes(), c.trustRoutes(), c.policyRoutes(), c.auditRoutes(), c.webhookRoutes(), c.settingRoutes())
}

// pageRows is how many rows of a list a page shows.
const pageRows = 50

// roles are those of an organization, from most to least, with what they mean.
var roles = []choice{
	{Value: "owner", Title: "Owner", Note: "Everything, and who the owners are."},
	{Value: "admin", Title: "Admin", Note: "Everything but owners and deleting the organization."},
	{Value: "member", Title: "Member", Note: "Works in the projects that they are added to."},
	{Value: "guest", Title: "Guest", Note: "Reads the projects that they are added to."},
}

// rolesFor are the roles that somebody may give, with one of them chosen.
func rolesFor(p *credential.Principal, service bool, chosenRole string) []choice {
	list := slices.Clone(roles)
	if service || p.Role != credential.Owner {
		list = list[1:]
	}
	return chosen(chosenRole, list)
}
