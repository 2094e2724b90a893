package authority

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Events returns audit events of an organization (Nil: of the installation):
// those with a sequence above after, the oldest first.
func (a *Authority) Events(ctx context.Context, p *credential.Principal, organization uuid.UUID, after int64, limit int) ([]audit.Event, error) {
	if err := mayAudit(p, organization); err != nil {
		return nil, err
	}
	return a.store.Events(ctx, organization, after, limit)
}

// FindEvents is Events of those that a filter chooses.
func (a *Authority) FindEvents(ctx context.Context, p *credential.Principal, organization uuid.UUID, f store.EventFilter) ([]audit.Event, error) {
	if err := mayAudit(p, organization); err != nil {
		return nil, err
	}
	return a.store.FindEvents(ctx, organization, f)
}

// EventPage is a part of a list of audit events, the latest first.
type EventPage struct {
	Events []audit.Event
	Total  int64 // how many the whole list has
	// Emails are the addresses of the users who did it, by the subject of the
	// event. Those who were deleted are not among them.
	Emails map[string]string
}

// LatestEvents returns the audit events of an organization that a filter
// chooses, the latest first, without so many of them.
func (a *Authority) LatestEvents(ctx context.Context, p *credential.Principal, organization uuid.UUID, f store.EventFilter, without int) (page EventPage, err error) {
	if err = mayAudit(p, organization); err != nil {
		return page, err
	}
	if page.Events, err = a.store.LatestEvents(ctx, organization, f, without); err != nil {
		return page, err
	}
	if page.Total, err = a.store.CountEvents(ctx, organization, f); err != nil {
		return page, err
	}
	page.Emails, err = a.emails(ctx, page.Events)
	return page, err
}

// emails finds the addresses of the users who did something, by its subject.
func (a *Authority) emails(ctx context.Context, events []audit.Event) (map[string]string, error) {
	emails := map[string]string{}
	for i := range events {
		subject := events[i].Subject
		id, isUser := strings.CutPrefix(subject, string(credential.SubjectUser)+":")
		if _, known := emails[subject]; known || !isUser || store.KindOf(events[i].Actor) != store.UserActor {
			continue
		}
		user, err := uuid.Parse(id)
		if err != nil {
			continue
		}
		switch u, err := a.store.User(ctx, user); {
		case err == nil:
			emails[subject] = u.Email
		case !errors.Is(err, credential.NotFound):
			return nil, err
		}
	}
	return emails, nil
}

// mayAudit refuses principals that don't see the whole of what a chain tells.
func mayAudit(p *credential.Principal, organization uuid.UUID) error {
	if err := within(p, organization, credential.AuditRead); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil {
		return credential.Errorf(credential.Forbidden, "a project's credential doesn't see the audit of the organization")
	}
	return nil
}

// ChainReport says how a chain was found.
type ChainReport struct {
	Chain  uuid.UUID // the organization, or Nil for the installation
	Events int64     // how many are whole
	Break  *audit.Break
}

// VerifyAudit checks the audit chain of one organization, or with Nil, for
// principals above every organization, every chain, the installation's first.
func (a *Authority) VerifyAudit(ctx context.Context, p *credential.Principal, organization uuid.UUID) ([]ChainReport, error) {
	if err := mayAudit(p, organization); err != nil {
		return nil, err
	}
	report, err := a.verifyChain(ctx, organization)
	if err != nil {
		return nil, err
	}
	reports := []ChainReport{report}
	if organization != uuid.Nil {
		return reports, nil
	}
	const page = 200
	for after := uuid.Nil; ; {
		chains, err := a.store.Chains(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, chain := range chains {
			report, err := a.verifyChain(ctx, chain)
			if err != nil {
				return nil, err
			}
			reports, after = append(reports, report), chain
		}
		if len(chains) < page {
			return reports, nil
		}
	}
}

func (a *Authority) verifyChain(ctx context.Context, chain uuid.UUID) (ChainReport, error) {
	n, err := a.store.VerifyChain(ctx, chain)
	r := ChainReport{Chain: chain, Events: n}
	if errors.As(err, &r.Break) {
		return r, nil
	}
	return r, err
}
