package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Claim says who somebody is, in the words of a credential that vouches for
// them. The zero value is nobody in particular.
type Claim struct{ Kind, Value string }

// ParseClaim reads what a caller adds to a project's credential: an address as
// email:… or digits as discord_id:…. Anything else is nobody in particular,
// and no error: a game that sends it reports anonymously.
func ParseClaim(text string) Claim {
	kind, value, _ := strings.Cut(strings.TrimSpace(text), ":")
	switch value = strings.TrimSpace(value); kind {
	case "email":
		if email, err := credential.CheckEmail(kind, value); err == nil {
			return Claim{"email", email}
		}
	case "discord_id":
		if value != "" && len(value) <= 20 && strings.Trim(value, "0123456789") == "" {
			return Claim{"discord", value}
		}
	}
	return Claim{}
}

// reporter is who an issue is from: the user who acts, or whom a project's
// credential vouches for.
func (w *Workspace) reporter(ctx context.Context, c *change, claim Claim) (store.Person, error) {
	if user := c.user(); user != uuid.Nil {
		u, err := c.User(ctx, user)
		if err != nil {
			return store.Person{}, err
		}
		return store.Person{ID: u.ID, Number: u.Number, Name: u.Name}, nil
	}
	if claim.Kind == "" || c.by.ProjectScoped() == uuid.Nil {
		return store.Person{}, nil
	}
	found, err := c.VirtualUserNamed(ctx, c.project.ID, claim.Kind, claim.Value)
	if err == nil {
		return store.Person{ID: found.ID, Number: found.Number, Name: found.Value, Virtual: true}, nil
	}
	if !errors.Is(err, credential.NotFound) {
		return store.Person{}, err
	}
	made := &store.VirtualUser{Project: c.project.ID, Kind: claim.Kind, Value: claim.Value, MadeBy: c.madeBy(), CreatedAt: c.at}
	if made.ID, err = w.newID(); err != nil {
		return store.Person{}, err
	}
	if err := c.InsertVirtualUser(ctx, made); err != nil {
		return store.Person{}, err
	}
	c.record("virtual_user.create", "virtual_user:"+made.ID.String(), map[string]any{"project": made.Project, "kind": made.Kind})
	return store.Person{ID: made.ID, Number: made.Number, Name: made.Value, Virtual: true}, nil
}

// VirtualUsers lists whom the credentials of a project have vouched for, with
// an id above after.
func (w *Workspace) VirtualUsers(ctx context.Context, p *credential.Principal, ref store.ProjectRef, page Page) ([]store.VirtualUser, error) {
	project, err := w.Project(ctx, p, ref, credential.MembersRead)
	if err != nil {
		return nil, err
	}
	return w.store.VirtualUsers(ctx, project.ID, page.After, page.Limit)
}

// Page is a part of a list: so many with an id above After.
type Page struct {
	After uuid.UUID
	Limit int
}

// DeleteVirtualUser forgets who somebody is. What they wrote stays, from
// nobody in particular.
func (w *Workspace) DeleteVirtualUser(ctx context.Context, p *credential.Principal, ref store.ProjectRef, id uuid.UUID) error {
	return w.change(ctx, p, want{ref, credential.ProjectsWrite}, func(c *change) error {
		user, err := c.VirtualUser(ctx, c.project.ID, id)
		if err != nil {
			return err
		}
		c.record("virtual_user.delete", "virtual_user:"+user.ID.String(), map[string]any{"project": user.Project, "kind": user.Kind})
		return c.Tx.DeleteVirtualUser(ctx, user.ID, c.at)
	})
}

// Daily is the error of one too many of a kind on a day.
type Daily struct {
	Most int
	// Wait is until the next day begins, in UTC.
	Wait time.Duration
}

// Error implements error.
func (d *Daily) Error() string {
	return fmt.Sprintf("at most %d of a kind a day; try again tomorrow (UTC)", d.Most)
}

// Unwrap makes it an error of too many tries.
func (d *Daily) Unwrap() error { return credential.Errorf(credential.TooMany, "%s", d.Error()) }

// RetryAfter says when to come again.
func (d *Daily) RetryAfter() time.Duration { return d.Wait }

// countDaily counts a creation by a credential of a project, from an address.
func (w *Workspace) countDaily(ctx context.Context, c *change, kind string) error {
	if c.by.ProjectScoped() == uuid.Nil || w.perDay == 0 {
		return nil
	}
	address := "unknown"
	if from := c.by.Address.Unmap(); from.Is6() { // whoever has one of a network has all of it
		address = netip.PrefixFrom(from.WithZone(""), 64).Masked().String()
	} else if from.IsValid() {
		address = from.String()
	}
	counted, err := c.CountCreation(ctx, store.Creation{Credential: c.madeBy(), Address: address, Kind: kind, At: c.at}, w.perDay)
	if err != nil {
		return err
	}
	if !counted {
		return &Daily{w.perDay, c.at.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(c.at)}
	}
	return nil
}
