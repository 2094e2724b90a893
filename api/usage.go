package api

import "time"

// Usage is how many requests there were, and what was paid for them. The totals
// are of all pages.
type Usage struct {
	From       string     `json:"from" format:"date" doc:"the first day (UTC)"`
	To         string     `json:"to" format:"date" doc:"the last day (UTC)"`
	Requests   int64      `json:"requests" doc:"all of them, on whatever page"`
	Coins      int64      `json:"coins" doc:"what was paid for them"`
	Items      []UsageRow `json:"items" doc:"in the order of what they are told apart by"`
	NextCursor string     `json:"next_cursor,omitempty" doc:"pass it on as cursor; absent on the last page"`
}

// UsageRow is usage of one kind. Only what it was asked to be told apart by is
// set; what is absent still is that of nobody in particular.
type UsageRow struct {
	Day        string `json:"day,omitempty" format:"date" doc:"in UTC"`
	Credential string `json:"credential,omitempty" format:"uuid"`
	Project    string `json:"project,omitempty" format:"uuid" doc:"that the credential is of"`
	Resource   string `json:"resource,omitempty" doc:"method and route of this API or another service's; for a verification what its caller named"`
	Outcome    string `json:"outcome,omitempty" doc:"the code of the decision; 2xx, 3xx, 4xx or 5xx for a request that was let in and answered here"`
	Requests   int64  `json:"requests"`
	Coins      int64  `json:"coins"`
}

// Request is one request that a credential made.
type Request struct {
	ID        string    `json:"id" format:"uuid"`
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path" doc:"without the query; what looks like a secret is …"`
	Status    int       `json:"status" doc:"of the answer"`
	Address   string    `json:"address,omitempty" doc:"from where"`
	UserAgent string    `json:"user_agent,omitempty"`
}

// LedgerLine is something that was paid from budgets.
type LedgerLine struct {
	ID         string     `json:"id" format:"uuid"`
	At         time.Time  `json:"at"`
	Credential string     `json:"credential" format:"uuid"`
	Name       string     `json:"name,omitempty" doc:"of the credential; absent where that is gone"`
	User       string     `json:"user,omitempty" format:"uuid" doc:"whose credential it is"`
	Project    string     `json:"project,omitempty" format:"uuid" doc:"that the credential is of"`
	Operation  string     `json:"operation" doc:"what sort of call it was"`
	Resource   string     `json:"resource,omitempty" doc:"which call"`
	Cost       int64      `json:"cost" doc:"what it came to"`
	Reserved   int64      `json:"reserved" doc:"what was taken at first"`
	SettledAt  *time.Time `json:"settled_at,omitempty"`
}
