package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Campaign is a beta test that an organization runs with people of outside.
type Campaign struct {
	ID                   uuid.UUID
	Organization         uuid.UUID
	Number               int64 // in the organization
	Name, Description    string
	Status               string
	StartsAt, EndsAt     time.Time
	MadeBy, MadeByUser   uuid.UUID // credential and user; Nil for none
	CreatedAt, UpdatedAt time.Time
	Testers              int64 // how many take part or want to
}

// TesterRemoved is the status of testers who don't count any more.
const TesterRemoved = "removed"

// A campaign as a query reads it, with what the tallies say of its testers.
const campaignSelection = `SELECT c.id, c.organization_id, c.number, c.name, c.description, c.status, c.starts_at, c.ends_at, c.made_by, c.made_by_user,
	c.created_at, c.updated_at,
	(SELECT CAST(COALESCE(SUM(t.n), 0) AS BIGINT) FROM tallies t WHERE t.parent = c.id AND t.status <> '` + TesterRemoved + `') FROM campaigns c `

func (c *Campaign) targets() []any {
	return []any{&c.ID, &c.Organization, &c.Number, &c.Name, &c.Description, &c.Status, instant{&c.StartsAt}, instant{&c.EndsAt}, nullID{&c.MadeBy}, nullID{&c.MadeByUser},
		instant{&c.CreatedAt}, instant{&c.UpdatedAt}, &c.Testers}
}

// InsertCampaign stores a new campaign and gives it its number.
func (t *Tx) InsertCampaign(ctx context.Context, c *Campaign) (err error) {
	if c.Number, err = t.next(ctx, c.Organization.String(), "campaign"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO campaigns (id, organization_id, number, name, description, status, starts_at, ends_at, made_by, made_by_user, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		c.ID, c.Organization, c.Number, c.Name, c.Description, c.Status, stamp(c.StartsAt), stamp(c.EndsAt), nullable(c.MadeBy), nullable(c.MadeByUser), c.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a campaign", err)
	}
	return t.tally(ctx, c.Organization, c.Status, 1)
}

// UpdateCampaign stores what people say of a campaign.
func (t *Tx) UpdateCampaign(ctx context.Context, c *Campaign) error {
	_, err := t.q.ExecContext(ctx, `UPDATE campaigns SET name = $2, description = $3, starts_at = $4, ends_at = $5, updated_at = $6 WHERE id = $1`,
		c.ID, c.Name, c.Description, stamp(c.StartsAt), stamp(c.EndsAt), c.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("change a campaign", err)
	}
	return nil
}

// MoveCampaign gives a campaign another status.
func (t *Tx) MoveCampaign(ctx context.Context, c *Campaign, status string) error {
	_, err := t.q.ExecContext(ctx, `UPDATE campaigns SET status = $2, updated_at = $3 WHERE id = $1`, c.ID, status, c.UpdatedAt.UnixMilli())
	if err != nil {
		return t.fail("move a campaign", err)
	}
	if err := t.tally(ctx, c.Organization, c.Status, -1); err != nil {
		return err
	}
	c.Status = status
	return t.tally(ctx, c.Organization, c.Status, 1)
}

// Campaign finds a campaign of an organization by its number.
func (r reader) Campaign(ctx context.Context, organization uuid.UUID, number int64) (*Campaign, error) {
	return r.campaign(ctx, `WHERE c.organization_id = $1 AND c.number = $2`, organization, number)
}

// CampaignByID finds a campaign of an organization by its id.
func (r reader) CampaignByID(ctx context.Context, organization, id uuid.UUID) (*Campaign, error) {
	return r.campaign(ctx, `WHERE c.organization_id = $1 AND c.id = $2`, organization, id)
}

func (r reader) campaign(ctx context.Context, where string, args ...any) (*Campaign, error) {
	var c Campaign
	err := r.q.QueryRowContext(ctx, campaignSelection+where, args...).Scan(c.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such test")
	}
	if err != nil {
		return nil, r.fail("find a campaign", err)
	}
	return &c, nil
}

// Section is a part of a list: so many items behind so many others.
type Section struct {
	Status        string // of the items; empty for any
	Offset, Limit int
}

// Campaigns returns a section of the campaigns of an organization, the newest
// first. What is passed over is read in the index alone.
func (r reader) Campaigns(ctx context.Context, organization uuid.UUID, s Section) ([]Campaign, error) {
	where, args := `c.organization_id = $1`, []any{organization, s.Limit, s.Offset}
	if s.Status != "" {
		where, args = where+` AND c.status = $4`, append(args, s.Status)
	}
	return list(ctx, r, selection[Campaign]{"list campaigns", (*Campaign).targets, campaignSelection + `WHERE c.id IN
		(SELECT c.id FROM campaigns c WHERE ` + where + ` ORDER BY c.number DESC LIMIT $2 OFFSET $3) ORDER BY c.number DESC`}, args...)
}
