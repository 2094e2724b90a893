package console

import "github.com/gatehouse-dev/gatehouse/internal/edge"

// tokenRoutes are the pages of personal tokens, and of the credentials of projects.
func (c *console) tokenRoutes() []edge.Route {
	return nil
}
