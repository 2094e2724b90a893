package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// organizationRoutes are the pages about an organization, its people and its projects.
func (c *console) organizationRoutes() []edge.Route {
	return nil
}
