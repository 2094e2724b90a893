package workspace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// tellExposed has the owners of credentials told whose secrets were found: when
// the change is done, since theirs may be another organization.
func (c *change) tellExposed(found exposed) { c.exposed = append(c.exposed, found.list...) }

// warnOwners tells the owners of working credentials that their secrets stood in
// what somebody reported to a project. What it can't tell is logged, for the
// results are stored by then.
func (w *Workspace) warnOwners(ctx context.Context, project *store.Project, found []credential.Found) {
	for _, f := range found {
		standing, err := w.owner(ctx, f.Secret)
		if err == nil && standing != nil {
			err = w.warnOwner(ctx, project, standing.Credential)
		}
		if err != nil {
			w.log.Error("the owner of a credential can't be told that its secret stood in results", "error", err)
		}
	}
}

// owner finds the credential that a secret works for; nil where there is none.
func (w *Workspace) owner(ctx context.Context, secret credential.Secret) (*credential.Standing, error) {
	for _, keyer := range w.keyers {
		standing, err := w.store.Lookup(ctx, keyer.LookupKey(secret.Reveal()))
		if errors.Is(err, credential.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, now := standing.Credential, w.clock()
		ended := func(at time.Time) bool { return !at.IsZero() && !now.Before(at) }
		if !c.RevokedAt.IsZero() || ended(c.ExpiresAt) || ended(standing.Secret.EndsAt) {
			return nil, nil
		}
		return standing, nil
	}
	return nil, nil
}

// exposedDetail is the detail of the event about a secret that was found. It
// names the project only to those whose it is.
type exposedDetail struct {
	FoundIn string     `json:"found_in"`
	Project *uuid.UUID `json:"project,omitempty"`
}

// warnOwner records that the secret of a credential was found, and writes to its
// owner: once a day.
func (w *Workspace) warnOwner(ctx context.Context, project *store.Project, c *credential.Credential) error {
	now := w.clock()
	day := now.Truncate(24 * time.Hour)
	mark := sha256.Sum256([]byte("exposed\x00" + c.ID.String() + day.Format(time.DateOnly)))
	err := w.store.Change(ctx, c.Organization, func(tx *store.Tx) error {
		first, err := tx.Once(ctx, mark, day.Add(48*time.Hour))
		if err != nil {
			return err
		}
		if !first {
			return errUnchanged
		}
		detail := exposedDetail{FoundIn: "test results"}
		if project.Organization == c.Organization {
			detail.Project = &project.ID
		}
		e := store.Acting{By: &credential.Principal{SubjectType: credential.SubjectServer}, At: now}.Event("credential.exposed", "credential:"+c.ID.String(), audit.Object(detail))
		e.Project = c.Project
		tx.Record(e)
		return w.postExposed(ctx, tx, c, now)
	})
	if err == nil && w.posted != nil {
		w.posted()
	}
	return unlessUnchanged(err)
}

// Bounds of the letters about a secret that was found.
const (
	exposedFor = 24 * time.Hour // how long one is worth sending
	mostWarned = 20             // people it goes to
)

// postExposed writes to the user of a credential, or else to the owners and
// admins of its organization.
func (w *Workspace) postExposed(ctx context.Context, tx *store.Tx, c *credential.Credential, now time.Time) error {
	if w.posted == nil || c.Organization == uuid.Nil {
		return nil
	}
	var people []store.User
	var err error
	if c.User == uuid.Nil {
		people, err = tx.Managers(ctx, c.Organization, mostWarned)
	} else {
		member, memberErr := tx.MemberByID(ctx, c.Organization, c.User)
		if err = memberErr; err == nil && !member.VerifiedAt.IsZero() {
			people = []store.User{member.User}
		}
	}
	for i := range people {
		l := store.Letter{To: people[i].Email, Subject: "A secret of yours stood in test results", Text: fmt.Sprintf(
			"The secret of the credential %s stood in test results that were reported at\n%s. It was taken out before they were stored; what else shows the output\n"+
				"of those tests, such as the log of a pipeline, may show it still.\n\nGive the credential a new secret now, and see where the old one was used.\n",
			c.Name, now.UTC().Format(time.RFC1123))}
		if err := tx.Post(ctx, w.rand, l, now, now.Add(exposedFor)); err != nil {
			return err
		}
	}
	return err
}
