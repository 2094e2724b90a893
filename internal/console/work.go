package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// workRoutes are the pages of the workspace.
func (c *console) workRoutes() []edge.Route {
	return nil
}
