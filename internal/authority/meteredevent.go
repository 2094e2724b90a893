package authority

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// MeteredEvent is one call that a project paid for.
type MeteredEvent struct {
	ID        uuid.UUID
	At        time.Time
	User      string // whom the credential is of, or else its name
	Type      string // what sort of call it was
	Source    string // how it came: "api_key", or "verify" from a service that verifies here
	Service   string // which service was called
	Operation string // which of its routes
	Coins     int64
}

func meteredEvent(m *store.Metered) MeteredEvent {
	e := MeteredEvent{ID: m.ID, At: m.At, User: m.UserName, Type: m.Operation, Source: "api_key", Operation: m.Resource, Coins: m.Cost}
	if e.User == "" {
		e.User = m.CredentialName
	}
	if e.Service = serviceOf(m.Resource); m.Operation == CalledService {
		e.Source, e.Service = "verify", "external"
	}
	return e
}

// serviceOf tells by a route of ours which service it is of: the part of its
// path behind /api/. What is no route of ours has none.
func serviceOf(resource string) string {
	_, path, found := strings.Cut(resource, " /")
	if !found {
		return ""
	}
	if service, found := strings.CutPrefix(path, "api/"); found {
		service, _, _ = strings.Cut(service, "/")
		return service
	}
	return "gatehouse"
}

// EventsRequest says which calls of a project are wanted: from one time on and
// until before another, where these aren't zero.
type EventsRequest struct {
	Organization, Project uuid.UUID
	From, Until           time.Time
	Skip, Limit           int
}

func (r *EventsRequest) check() error {
	if !r.Until.IsZero() && !r.From.Before(r.Until) {
		return credential.InvalidField("from", "must be before the end")
	}
	return nil
}

func (r *EventsRequest) filter() store.MeteredFilter {
	return store.MeteredFilter{Project: r.Project, From: r.From, Until: r.Until}
}

// ProjectEvents returns calls that a project paid for, the latest first, and how
// many there are: up to 10,000 are counted.
func (a *Authority) ProjectEvents(ctx context.Context, p *credential.Principal, r EventsRequest) ([]MeteredEvent, int64, error) {
	if _, err := a.meteredProject(ctx, p, r.Organization, r.Project); err != nil {
		return nil, 0, err
	}
	if err := r.check(); err != nil {
		return nil, 0, err
	}
	found, total, err := a.store.Metered(ctx, r.filter(), r.Skip, r.Limit)
	return meteredEvents(found), total, err
}

func meteredEvents(found []store.Metered) []MeteredEvent {
	events := make([]MeteredEvent, len(found))
	for i := range found {
		events[i] = meteredEvent(&found[i])
	}
	return events
}

// MostExported is of how long an export may be: three months.
const MostExported = 92 * 24 * time.Hour

// exportPart is how many events an export reads at once.
const exportPart = 500

// ExportEvents returns a function that returns the calls that a project paid
// for in their order, part by part, and io.EOF behind the last. What isn't said
// of the time is three months, up to now.
func (a *Authority) ExportEvents(ctx context.Context, p *credential.Principal, r EventsRequest) (func(context.Context) ([]MeteredEvent, error), error) {
	if r.Until.IsZero() {
		r.Until = a.clock().Add(time.Millisecond)
	}
	if r.From.IsZero() {
		r.From = r.Until.Add(-MostExported)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Until.Sub(r.From) > MostExported {
		return nil, credential.InvalidField("from", "must be at most %d days before the end; export one part after the other", int(MostExported.Hours()/24))
	}
	if _, err := a.meteredProject(ctx, p, r.Organization, r.Project); err != nil {
		return nil, err
	}
	last, ended := store.Metered{}, false
	return func(ctx context.Context) ([]MeteredEvent, error) {
		if ended {
			return nil, io.EOF
		}
		found, err := a.store.MeteredSince(ctx, r.filter(), last.At, last.ID, exportPart)
		if err != nil {
			return nil, err
		}
		if ended = len(found) < exportPart; !ended {
			last = found[exportPart-1]
		}
		return meteredEvents(found), nil
	}, nil
}

// EventColumns are the names of what EventLines returns.
func EventColumns() []string {
	return []string{"timestamp", "user", "event type", "source", "service", "operation", "coin cost"}
}

// EventLines returns what ExportEvents does as the lines of a table.
func EventLines(next func(context.Context) ([]MeteredEvent, error)) func(context.Context) ([][]string, error) {
	return func(ctx context.Context) ([][]string, error) {
		events, err := next(ctx)
		lines := make([][]string, len(events))
		for i := range events {
			e := &events[i]
			lines[i] = []string{e.At.UTC().Format(time.RFC3339Nano), e.User, e.Type, e.Source, e.Service, e.Operation, strconv.FormatInt(e.Coins, 10)}
		}
		return lines, err
	}
}
