package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// federationRoutes are the pages of signing in by a provider.
func (c *console) federationRoutes() []edge.Route {
	return nil
}
