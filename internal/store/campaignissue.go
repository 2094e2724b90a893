package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// CampaignIssue is what a tester of a campaign found, or asks for.
type CampaignIssue struct {
	ID                        uuid.UUID
	Campaign                  uuid.UUID
	Number                    int64 // in the organization
	Title, Description, Notes string
	Status, Priority          string
	MadeBy, MadeByUser        uuid.UUID // credential and user; Nil for none
	CreatedAt, UpdatedAt      time.Time
}

const campaignIssueSelection = `SELECT i.id, i.campaign_id, i.number, i.title, i.description, i.notes, i.status, i.priority, i.made_by, i.made_by_user,
	i.created_at, i.updated_at FROM campaign_issues i `

func (i *CampaignIssue) targets() []any {
	return []any{&i.ID, &i.Campaign, &i.Number, &i.Title, &i.Description, &i.Notes, &i.Status, &i.Priority, nullID{&i.MadeBy}, nullID{&i.MadeByUser},
		instant{&i.CreatedAt}, instant{&i.UpdatedAt}}
}

// issuesOf is the parent of the tallies of a campaign's issues: that of its
// testers' is the campaign.
func issuesOf(campaign uuid.UUID) uuid.UUID { return uuid.NewSHA1(campaign, []byte("issues")) }

// InsertCampaignIssue stores a new issue of a campaign of an organization, and
// gives it its number.
func (t *Tx) InsertCampaignIssue(ctx context.Context, organization uuid.UUID, i *CampaignIssue) (err error) {
	if i.Number, err = t.next(ctx, organization.String(), "campaign issue"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO campaign_issues (id, campaign_id, number, title, description, notes, status, priority, made_by, made_by_user, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		i.ID, i.Campaign, i.Number, i.Title, i.Description, i.Notes, i.Status, i.Priority, nullable(i.MadeBy), nullable(i.MadeByUser), i.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store an issue of a campaign", err)
	}
	return t.tally(ctx, issuesOf(i.Campaign), i.Status, 1)
}

// UpdateCampaignIssue stores what has changed of an issue that was of a status
// before.
func (t *Tx) UpdateCampaignIssue(ctx context.Context, i *CampaignIssue, before string) error {
	_, err := t.q.ExecContext(ctx, `UPDATE campaign_issues SET title = $2, description = $3, notes = $4, status = $5, priority = $6, updated_at = $7 WHERE id = $1`,
		i.ID, i.Title, i.Description, i.Notes, i.Status, i.Priority, i.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("change an issue of a campaign", err)
	}
	if err := t.tally(ctx, issuesOf(i.Campaign), before, -1); err != nil {
		return err
	}
	return t.tally(ctx, issuesOf(i.Campaign), i.Status, 1)
}

// DeleteCampaignIssue takes an issue away for good.
func (t *Tx) DeleteCampaignIssue(ctx context.Context, i *CampaignIssue) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM campaign_issues WHERE id = $1`, i.ID); err != nil {
		return t.fail("delete an issue of a campaign", err)
	}
	return t.tally(ctx, issuesOf(i.Campaign), i.Status, -1)
}

// CampaignIssue finds an issue of a campaign by its number.
func (r reader) CampaignIssue(ctx context.Context, campaign uuid.UUID, number int64) (*CampaignIssue, error) {
	return r.campaignIssue(ctx, `i.number = $2`, campaign, number)
}

// CampaignIssueByID finds an issue of a campaign by its id.
func (r reader) CampaignIssueByID(ctx context.Context, campaign, id uuid.UUID) (*CampaignIssue, error) {
	return r.campaignIssue(ctx, `i.id = $2`, campaign, id)
}

func (r reader) campaignIssue(ctx context.Context, where string, args ...any) (*CampaignIssue, error) {
	var i CampaignIssue
	err := r.q.QueryRowContext(ctx, campaignIssueSelection+`WHERE i.campaign_id = $1 AND `+where, args...).Scan(i.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such issue of the test")
	}
	if err != nil {
		return nil, r.fail("find an issue of a campaign", err)
	}
	return &i, nil
}

// CampaignIssues returns a section of the issues of a campaign that have one of
// some statuses (none: any), the newest first, and how many there are. What is
// passed over is read in the index alone.
func (r reader) CampaignIssues(ctx context.Context, campaign uuid.UUID, statuses []string, s Section) ([]CampaignIssue, int64, error) {
	tallies, err := r.Tallies(ctx, issuesOf(campaign))
	if err != nil {
		return nil, 0, err
	}
	total := tallies.Total()
	where, args := `i.campaign_id = $1`, []any{campaign, s.Limit, s.Offset}
	if len(statuses) > 0 {
		var any strings.Builder
		marks(&any, len(args)+1, len(statuses))
		where, total = where+` AND i.status IN `+any.String(), 0
		for _, status := range statuses {
			args, total = append(args, status), total+tallies[status]
		}
	}
	found, err := list(ctx, r, selection[CampaignIssue]{"list the issues of a campaign", (*CampaignIssue).targets, campaignIssueSelection + `WHERE i.id IN
		(SELECT i.id FROM campaign_issues i WHERE ` + where + ` ORDER BY i.number DESC LIMIT $2 OFFSET $3) ORDER BY i.number DESC`}, args...)
	return found, total, err
}
