package authority

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// Retention says how long it is kept what credentials were used for.
type Retention struct {
	UsageDays   int // usage by day; 0 is for good
	RequestDays int // single requests; 0 keeps none at all
	LedgerDays  int // what was paid; 0 is for good
}

// mostRefused bounds how many refused requests of a credential are kept one by
// one: whoever is refused may go on asking. All of them are counted.
var mostRefused = limit.Rate{Limit: 60, Window: time.Minute}

// forgetAtOnce is how many rows go in a transaction, so that others get their
// turn.
const forgetAtOnce = 1000

// count notes the use of a credential that is alive, also where this one
// request was beyond its rights, and counts what was decided. The first use may
// end a predecessor. A request to a route of ours that was let in is counted
// when it is answered.
func (a *Authority) count(ctx context.Context, d *credential.Decision, v Verification) {
	a.decided(d.Code)
	if d.Standing == nil {
		return
	}
	c, now := d.Standing.Credential, a.now()
	var use *usage.Use
	switch d.Code {
	case credential.OK, credential.CodeScope, credential.CodeForbidden:
		use = &usage.Use{Credential: c.ID, At: now, Address: v.Address, UserAgent: cleanAgent(v.UserAgent)}
	}
	var request *usage.Request
	if isCounted(c) && !(v.Ours && d.Code == credential.OK) {
		request = &usage.Request{
			Credential: c.ID, Organization: c.Organization, Project: c.Project, Day: usage.DayOf(now),
			Resource: v.Charge.Resource, Outcome: string(d.Code), Cost: d.Paid.Cost,
		}
		if d.Paid.Repeated { // which is counted already
			request.Cost = 0
		}
		if !v.Ours && request.Resource != "" {
			request.Resource, request.Named = a.cleanResource(request.Resource), true
		}
	}
	a.meter.Note(use, request)
	if use != nil && d.Standing.Secret.TakesOver {
		a.takeOver(ctx, d, v)
	}
}

// isCounted reports whether usage is kept of a credential. People who have
// signed in are no credentials of anybody's, and theirs is free.
func isCounted(c *credential.Credential) bool { return c.Scheme.Kind != credential.Session }

// Answer is a request to a route of ours that carried a known credential, once
// it was answered.
type Answer struct {
	Standing  *credential.Standing // of the credential
	LetIn     bool                 // what was refused by a decision is counted already
	Route     string               // method and pattern
	Method    string
	Path      string
	Status    int
	Address   netip.Addr
	UserAgent string
	// Unlisted requests are counted, and not kept one by one.
	Unlisted bool
	Cost     int64 // what was paid, and not given back
}

// Answered counts a request by its route and the class of its status, and
// keeps it for those who look after the credential.
func (a *Authority) Answered(r Answer) {
	c := r.Standing.Credential
	if !isCounted(c) {
		return
	}
	now := a.now()
	if r.LetIn {
		a.meter.Count(usage.Request{
			Credential: c.ID, Organization: c.Organization, Project: c.Project, Day: usage.DayOf(now),
			Resource: r.Route, Outcome: statusClass(r.Status), Cost: r.Cost,
		})
	}
	if r.Unlisted || a.keep.RequestDays == 0 || !r.LetIn && !a.refused.Take(now, limit.Take{Key: limit.ForCredential(c.ID), Rate: mostRefused}).Allowed {
		return
	}
	id, err := a.newID()
	if err != nil {
		a.log.Error("a request can't be kept", "error", err)
		return
	}
	a.calls.Add(usage.Call{
		ID: id, Organization: c.Organization, Credential: c.ID, At: now, Method: r.Method, Path: a.cleanPath(r.Path),
		Status: r.Status, Address: r.Address, UserAgent: cleanAgent(r.UserAgent),
	})
}

// statusClass is the outcome of a request that was let in. One that was broken
// off before it had a status is a failure.
func statusClass(status int) string {
	switch status / 100 {
	case 2:
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	}
	return "5xx"
}

// Flush stores what is pending now: uses, usage and requests.
func (a *Authority) Flush(ctx context.Context) error {
	err := a.meter.Flush(ctx, func(ctx context.Context, b usage.Batch) error {
		return a.store.SaveUsage(ctx, b, a.now().Add(batchesFor))
	})
	if err != nil {
		return err
	}
	err = a.calls.Flush(ctx, a.store.SaveCalls)
	if lost := a.calls.Lost(); lost > 0 {
		if !a.losing.Swap(true) {
			a.log.Warn("more requests wait to be stored than there is room for; the oldest won't be listed", "lost", lost)
		}
	} else if err == nil {
		a.losing.Store(false)
	}
	return err
}

// batchesFor is how long the name of the last batch of a node is kept, for the
// case that its answer was lost and it is saved again.
const batchesFor = 30 * 24 * time.Hour

// ForgetUsage deletes what has been kept for long enough, bit by bit: usage,
// single requests, and of the ledger what was paid.
func (a *Authority) ForgetUsage(ctx context.Context) error {
	if days := a.keep.UsageDays; days > 0 {
		before := usage.DayOf(a.now().AddDate(0, 0, -days))
		err := a.forget(ctx, func() (int64, error) { return a.store.ForgetUsage(ctx, before, forgetAtOnce) })
		if err != nil {
			return err
		}
	}
	before := a.now().AddDate(0, 0, -a.keep.RequestDays)
	err := a.forget(ctx, func() (int64, error) { return a.store.ForgetCalls(ctx, before, forgetAtOnce) })
	if err != nil || a.keep.LedgerDays == 0 {
		return err
	}
	return a.store.ForgetSpends(ctx, a.now().AddDate(0, 0, -a.keep.LedgerDays))
}

// forget deletes some until there are no more. What comes in meanwhile is
// stored where it gets crowded.
func (a *Authority) forget(ctx context.Context, some func() (int64, error)) error {
	for {
		n, err := some()
		if err != nil || n < forgetAtOnce {
			return err
		}
		if a.calls.Crowded() {
			if err := a.Flush(ctx); err != nil {
				return err
			}
		}
	}
}
