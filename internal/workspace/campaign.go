package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// The statuses of a campaign. A review is done elsewhere, where there is one.
const (
	campaignDraft         = "draft"
	campaignPendingReview = "pending_review"
	campaignReady         = "ready"
	campaignInProgress    = "in_progress"
	campaignComplete      = "complete"
	campaignClosed        = "closed"
	campaignPaused        = "paused"
)

// campaignStatuses are all of them.
var campaignStatuses = []string{campaignDraft, campaignPendingReview, campaignReady, campaignInProgress, campaignComplete, campaignClosed, campaignPaused}

// A stage moves a campaign from some statuses to another.
type stage struct {
	name, to string
	from     []string
}

var stages = []stage{
	{"launch", campaignInProgress, []string{campaignDraft, campaignPendingReview, campaignReady}},
	{"pause", campaignPaused, []string{campaignInProgress}},
	{"resume", campaignInProgress, []string{campaignPaused}},
	{"complete", campaignComplete, []string{campaignInProgress, campaignPaused}},
	{"close", campaignClosed, []string{campaignDraft, campaignPendingReview, campaignReady, campaignInProgress, campaignPaused, campaignComplete}},
}

// Bounds of what is said of campaigns, and of how far a list is paged.
const (
	longestDescription = 10_000  // characters
	MostPaged          = 100_000 // items
)

// CampaignRequest says what a campaign is. What is nil stays as it is.
type CampaignRequest struct {
	Name, Description *string
	StartsAt, EndsAt  *time.Time // zero takes a date away
	Repeat            *Repeat
}

// PageRequest asks for a part of a list: the how manieth page, from 1, of how many
// items each, and of which of them.
type PageRequest struct {
	Number, Limit  int
	Status, Search string // empty for any
}

// section returns what the store must read. Beyond the bound nothing is paged.
func (p PageRequest) section() (store.Section, error) {
	if p.Number > MostPaged/p.Limit {
		return store.Section{}, credential.InvalidField("page", "a list is paged up to its item %d; filter it", MostPaged)
	}
	return store.Section{Status: p.Status, Offset: (p.Number - 1) * p.Limit, Limit: p.Limit}, nil
}

// company is the organization whose campaigns a principal may see, or change:
// its own. They belong to no project, and a project's credential reaches none.
func company(p *credential.Principal, permission credential.Permission) (uuid.UUID, error) {
	switch {
	case p.Organization == uuid.Nil:
		return uuid.Nil, credential.Errorf(credential.Forbidden, "tests belong to an organization, and you act in none")
	case p.ProjectScoped() != uuid.Nil:
		return uuid.Nil, credential.Errorf(credential.Forbidden, "tests belong to the organization; a project's credential reaches none")
	}
	if !p.Permissions.Has(permission) {
		return uuid.Nil, credential.Errorf(credential.Forbidden, "this needs the permission %s", permission)
	}
	return p.Organization, nil
}

// apply checks what is asked for and says it of a campaign.
func (r *CampaignRequest) apply(c *store.Campaign) (err error) {
	if r.Name != nil {
		if c.Name, err = credential.CheckName("name", *r.Name); err != nil {
			return err
		}
	}
	if r.Description != nil {
		if c.Description, err = credential.CheckProse("description", *r.Description, longestDescription); err != nil {
			return err
		}
	}
	if r.StartsAt != nil {
		c.StartsAt = *r.StartsAt
	}
	if r.EndsAt != nil {
		c.EndsAt = *r.EndsAt
	}
	if !c.EndsAt.IsZero() && c.EndsAt.Before(c.StartsAt) {
		return credential.InvalidField("endsAt", "must not lie before the start")
	}
	return nil
}

// CreateCampaign makes a campaign, which begins as a draft.
func (w *Workspace) CreateCampaign(ctx context.Context, p *credential.Principal, r CampaignRequest) (*store.Campaign, error) {
	if r.Name == nil {
		return nil, credential.InvalidField("name", "say how the test is called")
	}
	var c store.Campaign
	if err := r.apply(&c); err != nil {
		return nil, err
	}
	return w.newCampaign(ctx, p, making{"create campaign", r.Repeat}, func(*change) (*store.Campaign, error) { return &c, nil })
}

// CopyCampaign makes a draft of what a campaign says, without its dates and its
// testers.
func (w *Workspace) CopyCampaign(ctx context.Context, p *credential.Principal, ref CampaignRef) (*store.Campaign, error) {
	return w.newCampaign(ctx, p, ref.making("copy campaign"), func(ch *change) (*store.Campaign, error) {
		of, err := ch.Campaign(ctx, p.Organization, ref.Number)
		if err != nil {
			return nil, err
		}
		return &store.Campaign{Name: copyName(of.Name), Description: of.Description}, nil
	})
}

// copyName is what the copy of something is called.
func copyName(name string) string {
	const suffix, most = " (copy)", 100
	for utf8.RuneCountInString(name)+len(suffix) > most {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name) + suffix
}

// newCampaign stores the campaign that draw returns, as a draft.
func (w *Workspace) newCampaign(ctx context.Context, p *credential.Principal, m making, draw func(*change) (*store.Campaign, error)) (*store.Campaign, error) {
	organization, err := company(p, credential.TestsWrite)
	if err != nil {
		return nil, err
	}
	id, err := w.once(ctx, p, m, func(ch *change) (uuid.UUID, error) {
		c, err := draw(ch)
		if err != nil {
			return uuid.Nil, err
		}
		if c.ID, err = w.newID(); err != nil {
			return uuid.Nil, err
		}
		c.Organization, c.Status, c.CreatedAt, c.UpdatedAt, c.MadeBy, c.MadeByUser = organization, campaignDraft, ch.at, ch.at, ch.madeBy(), ch.user()
		if err := ch.InsertCampaign(ctx, c); err != nil {
			return uuid.Nil, err
		}
		ch.record("campaign.create", campaignTarget(c), map[string]any{"number": c.Number})
		return c.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return w.store.CampaignByID(ctx, organization, id)
}

// campaignTarget names a campaign in audit events.
func campaignTarget(c *store.Campaign) string { return "campaign:" + c.ID.String() }

// Campaign returns a campaign.
func (w *Workspace) Campaign(ctx context.Context, p *credential.Principal, number int64) (*store.Campaign, error) {
	organization, err := company(p, credential.TestsRead)
	if err != nil {
		return nil, err
	}
	return w.store.Campaign(ctx, organization, number)
}

// Campaigns returns a page of campaigns, the newest first, and how many there
// are on all pages.
func (w *Workspace) Campaigns(ctx context.Context, p *credential.Principal, page PageRequest) ([]store.Campaign, int64, error) {
	organization, err := company(p, credential.TestsRead)
	if err != nil {
		return nil, 0, err
	}
	if err := anyOr("status", page.Status, campaignStatuses); err != nil {
		return nil, 0, err
	}
	section, err := page.section()
	if err != nil {
		return nil, 0, err
	}
	tallies, err := w.store.Tallies(ctx, organization)
	if err != nil {
		return nil, 0, err
	}
	list, err := w.store.Campaigns(ctx, organization, section)
	return list, tallied(tallies, page.Status), err
}

// tallied is how many there are of a status, or (empty) of any.
func tallied(t store.Tallies, status string) int64 {
	if status == "" {
		return t.Total()
	}
	return t[status]
}

// anyOr refuses a text that is none of some; the empty one stands for any.
func anyOr(field, text string, of []string) error {
	if text != "" && !slices.Contains(of, text) {
		return credential.InvalidField(field, "choose one of: %s", strings.Join(of, ", "))
	}
	return nil
}

// CampaignRef names a campaign, and the call that is about it.
type CampaignRef struct {
	Number int64
	Repeat *Repeat
}

// making is a call about the campaign.
func (r CampaignRef) making(call string) making {
	return making{fmt.Sprintf("%s %d", call, r.Number), r.Repeat}
}

// UpdateCampaign changes what is said of a campaign: what the request names, and
// nothing else.
func (w *Workspace) UpdateCampaign(ctx context.Context, p *credential.Principal, number int64, r CampaignRequest) (*store.Campaign, error) {
	return w.changeCampaign(ctx, p, making{}, number, func(ch *change, c *store.Campaign) error {
		before := *c
		if err := r.apply(c); err != nil {
			return err
		}
		if *c == before {
			return errUnchanged
		}
		c.UpdatedAt = ch.at
		ch.record("campaign.update", campaignTarget(c), map[string]any{"fields": r.fields()})
		return ch.UpdateCampaign(ctx, c)
	})
}

// fields names what is asked for.
func (r *CampaignRequest) fields() (list []string) {
	for name, given := range map[string]bool{"name": r.Name != nil, "description": r.Description != nil, "starts_at": r.StartsAt != nil, "ends_at": r.EndsAt != nil} {
		if given {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// StageCampaign moves a campaign by a stage such as "launch". One that its
// status doesn't allow is refused.
func (w *Workspace) StageCampaign(ctx context.Context, p *credential.Principal, ref CampaignRef, name string) (*store.Campaign, error) {
	i := slices.IndexFunc(stages, func(s stage) bool { return s.name == name })
	if i < 0 {
		return nil, credential.InvalidField("stage", "choose one of: launch, pause, resume, complete, close")
	}
	return w.changeCampaign(ctx, p, ref.making("stage campaign"), ref.Number, func(ch *change, c *store.Campaign) error {
		if !slices.Contains(stages[i].from, c.Status) {
			return credential.InvalidField("stage", "the test is %s; %s takes one that is %s", c.Status, name, strings.Join(stages[i].from, ", "))
		}
		c.UpdatedAt = ch.at
		ch.tell("campaign.stage", c, map[string]any{"stage": name, "before": c.Status, "after": stages[i].to}, webhook.AboutTest{Status: stages[i].to})
		return ch.MoveCampaign(ctx, c, stages[i].to)
	})
}

// changeCampaign changes a campaign as it is when the change begins, and
// returns what it is then.
func (w *Workspace) changeCampaign(ctx context.Context, p *credential.Principal, m making, number int64, fn func(*change, *store.Campaign) error) (*store.Campaign, error) {
	organization, err := company(p, credential.TestsWrite)
	if err != nil {
		return nil, err
	}
	id, err := w.once(ctx, p, m, func(ch *change) (uuid.UUID, error) {
		c, err := ch.Campaign(ctx, organization, number)
		if err != nil {
			return uuid.Nil, err
		}
		return c.ID, fn(ch, c)
	})
	if err != nil {
		return nil, err
	}
	return w.store.CampaignByID(ctx, organization, id)
}
