package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// accountRoutes are the pages by which people get in, and look after their account.
func (c *console) accountRoutes() []edge.Route {
	return nil
}
