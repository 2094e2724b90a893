package workspace

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// campaignIssueStatuses are the states of an issue of a campaign. Any may follow
// any other.
var campaignIssueStatuses = []string{"draft", "to_do", "in_progress", "needs_more_info", "complete", "closed"}

// CampaignIssueRequest says what an issue of a campaign is. What is nil stays.
type CampaignIssueRequest struct {
	Title, Description, Notes, Status, Priority *string
	Repeat                                      *Repeat
}

// apply checks what is asked for and says it of an issue.
func (r *CampaignIssueRequest) apply(i *store.CampaignIssue) error {
	prose := func(field, text string) (string, error) {
		return credential.CheckProse(field, text, longestDescription)
	}
	of := func(values []string) func(string, string) (string, error) {
		return func(field, text string) (string, error) { return oneOf(field, text, values) }
	}
	for _, f := range []struct {
		name  string
		to    *string
		value *string
		check func(field, text string) (string, error)
	}{
		{"title", &i.Title, r.Title, func(_, text string) (string, error) { return checkTitle(text) }},
		{"description", &i.Description, r.Description, prose},
		{"notes", &i.Notes, r.Notes, prose},
		{"status", &i.Status, r.Status, of(campaignIssueStatuses)},
		{"priority", &i.Priority, r.Priority, of(Priorities())},
	} {
		if f.value == nil {
			continue
		}
		checked, err := f.check(f.name, *f.value)
		if err != nil {
			return err
		}
		*f.to = checked
	}
	return nil
}

// CreateCampaignIssue reports an issue of a campaign.
func (w *Workspace) CreateCampaignIssue(ctx context.Context, p *credential.Principal, campaign int64, r CampaignIssueRequest) (*store.CampaignIssue, error) {
	if r.Title == nil {
		return nil, credential.InvalidField("title", "must not be empty")
	}
	i := &store.CampaignIssue{Status: "to_do", Priority: "medium"}
	if err := r.apply(i); err != nil {
		return nil, err
	}
	id, err := w.changeIssues(ctx, p, CampaignRef{campaign, r.Repeat}, func(ch *change, c *store.Campaign) (_ uuid.UUID, err error) {
		if i.ID, err = w.newID(); err != nil {
			return i.ID, err
		}
		i.Campaign, i.CreatedAt, i.UpdatedAt, i.MadeBy, i.MadeByUser = c.ID, ch.at, ch.at, ch.madeBy(), ch.user()
		if err := ch.InsertCampaignIssue(ctx, c.Organization, i); err != nil {
			return i.ID, err
		}
		ch.tell("campaign_issue.create", c, map[string]any{"issue": i.Number, "status": i.Status}, webhook.AboutTest{IssueID: i.Number})
		return i.ID, nil
	})
	return w.changedIssue(ctx, p, campaign, id, err)
}

// UpdateCampaignIssue changes what the request names of an issue, and nothing
// else.
func (w *Workspace) UpdateCampaignIssue(ctx context.Context, p *credential.Principal, campaign, number int64, r CampaignIssueRequest) (*store.CampaignIssue, error) {
	id, err := w.changeIssues(ctx, p, CampaignRef{Number: campaign}, func(ch *change, c *store.Campaign) (uuid.UUID, error) {
		i, err := ch.CampaignIssue(ctx, c.ID, number)
		if err != nil {
			return uuid.Nil, err
		}
		before := *i
		if err := r.apply(i); err != nil {
			return i.ID, err
		}
		if *i == before {
			return i.ID, errUnchanged
		}
		i.UpdatedAt = ch.at
		ch.tell("campaign_issue.update", c, map[string]any{"issue": i.Number, "before": before.Status, "after": i.Status}, webhook.AboutTest{IssueID: i.Number})
		return i.ID, ch.Tx.UpdateCampaignIssue(ctx, i, before.Status)
	})
	return w.changedIssue(ctx, p, campaign, id, err)
}

// changedIssue is an issue after a change, unless that failed.
func (w *Workspace) changedIssue(ctx context.Context, p *credential.Principal, campaign int64, id uuid.UUID, err error) (*store.CampaignIssue, error) {
	if err != nil {
		return nil, err
	}
	c, err := w.store.Campaign(ctx, p.Organization, campaign)
	if err != nil {
		return nil, err
	}
	return w.store.CampaignIssueByID(ctx, c.ID, id)
}

// DeleteCampaignIssue takes an issue away for good.
func (w *Workspace) DeleteCampaignIssue(ctx context.Context, p *credential.Principal, campaign, number int64) error {
	_, err := w.changeIssues(ctx, p, CampaignRef{Number: campaign}, func(ch *change, c *store.Campaign) (uuid.UUID, error) {
		i, err := ch.CampaignIssue(ctx, c.ID, number)
		if err != nil {
			return uuid.Nil, err
		}
		ch.record("campaign_issue.delete", campaignTarget(c), map[string]any{"issue": i.Number})
		return i.ID, ch.Tx.DeleteCampaignIssue(ctx, i)
	})
	return err
}

// changeIssues makes or changes an issue of a campaign, and returns its id.
func (w *Workspace) changeIssues(ctx context.Context, p *credential.Principal, ref CampaignRef, fn func(*change, *store.Campaign) (uuid.UUID, error)) (uuid.UUID, error) {
	organization, err := company(p, credential.IssuesWrite)
	if err != nil {
		return uuid.Nil, err
	}
	return w.once(ctx, p, ref.making("create campaign issue"), func(ch *change) (uuid.UUID, error) {
		c, err := ch.Campaign(ctx, organization, ref.Number)
		if err != nil {
			return uuid.Nil, err
		}
		return fn(ch, c)
	})
}

// CampaignIssue returns an issue of a campaign.
func (w *Workspace) CampaignIssue(ctx context.Context, p *credential.Principal, campaign, number int64) (*store.CampaignIssue, error) {
	organization, err := company(p, credential.IssuesRead)
	if err != nil {
		return nil, err
	}
	c, err := w.store.Campaign(ctx, organization, campaign)
	if err != nil {
		return nil, err
	}
	return w.store.CampaignIssue(ctx, c.ID, number)
}

// CampaignIssues returns a page of the issues of a campaign, the newest first,
// and how many there are on all pages. The status of the page may be several,
// with commas between them.
func (w *Workspace) CampaignIssues(ctx context.Context, p *credential.Principal, campaign int64, page PageRequest) ([]store.CampaignIssue, int64, error) {
	organization, err := company(p, credential.IssuesRead)
	if err != nil {
		return nil, 0, err
	}
	var statuses []string
	if page.Status != "" {
		statuses = strings.Split(page.Status, ",")
	}
	for i := range statuses {
		if statuses[i], err = oneOf("filterStatuses", strings.TrimSpace(statuses[i]), campaignIssueStatuses); err != nil {
			return nil, 0, err
		}
	}
	slices.Sort(statuses)
	section, err := page.section()
	if err != nil {
		return nil, 0, err
	}
	c, err := w.store.Campaign(ctx, organization, campaign)
	if err != nil {
		return nil, 0, err
	}
	return w.store.CampaignIssues(ctx, c.ID, slices.Compact(statuses), section)
}
