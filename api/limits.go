package api

import "time"

// OrganizationLimits are how many requests may be made in an organization. What
// is left out has no limit.
type OrganizationLimits struct {
	Requests        int    `json:"requests,omitzero" doc:"that all of its credentials and members make in a window, together; from 1 to 1000000000"`
	Window          string `json:"window,omitempty" doc:"such as 1s, 1m, 1h or 31d, and no longer; where there are requests"`
	AddressRequests int    `json:"address_requests,omitzero" doc:"that one address (of IPv6: a network of 64 bits) makes in the organization in a minute, where it is known"`
}

// ProjectLimits are how many requests the credentials of a project make, all of
// them together. What is left out has no limit.
type ProjectLimits struct {
	Requests int    `json:"requests,omitzero" doc:"in a window; from 1 to 1000000000"`
	Window   string `json:"window,omitempty" doc:"such as 1s, 1m, 1h or 31d, and no longer; where there are requests"`
}

// LimitState is what a limit on requests has left after one. Of several limits
// it is the one that refuses, or that has the least left.
type LimitState struct {
	Limit      int       `json:"limit" doc:"requests that may be made in a window"`
	Remaining  int       `json:"remaining" doc:"of those, at once"`
	ResetAt    time.Time `json:"reset_at" doc:"when all of them may be made again"`
	Window     string    `json:"window" doc:"such as 1m"`
	Of         string    `json:"of" enum:"credential,project,organization,address" doc:"what it is a limit of"`
	RetryAfter int       `json:"retry_after,omitzero" doc:"of a refusal: seconds until there is room"`
	Degraded   bool      `json:"degraded,omitzero" doc:"what counts the requests of all nodes is away: this one decided alone, about its share"`
}
