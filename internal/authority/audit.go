package authority

import (
	"context"
	"errors"

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
