package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// operatorRoutes are the pages of whoever runs the installation.
func (c *console) operatorRoutes() []edge.Route {
	return nil
}
