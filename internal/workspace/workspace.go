// Package workspace keeps what a team works on in its projects: issues with
// their comments, test cases, cycles, results and artifacts. The dialects that
// serve it ask the same questions here and get the same answers.
//
// What it hides: who may do what in which project, and how that becomes rows
// and back. Its invariants:
//
//   - Every method takes the principal first, authorises, and acts. A change
//     writes its audit event in the same transaction, in which the principal
//     still may do what it might when it was let in.
//   - A principal sees the projects that its subject sees at that moment, and
//     nothing of others: not even that they are there, but by [ErrClosed].
//   - Each row keeps the credential that made it.
package workspace

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// Config is what a Workspace is made of. Only Store is needed.
type Config struct {
	Store *store.Store
	// Modes are the credential modes that this installation accepts; nil means all.
	Modes []string
	// Posted is told that mail waits to be sent; nil where none can be.
	Posted func()
	// PerDay is how much of a kind an address creates with a project's
	// credential on a day (UTC); 0 is as much as it likes.
	PerDay int
	// Files keeps the content of artifacts; nil where nothing is uploaded.
	Files *artifact.Files
	// Issuer is that of access tokens, by which those are found in results;
	// where it is empty, they aren't looked for.
	Issuer string
	Logger *slog.Logger
	Now    func() time.Time
	Rand   io.Reader
}

// Workspace keeps projects' work. Make one with New.
type Workspace struct {
	store *store.Store
	modes []string
	// posted is told that mail waits; nil where none can be sent.
	posted func()
	perDay int
	files  *artifact.Files
	// reading has a place for each upload whose files are being read: what they
	// take of memory is so much and no more.
	reading chan struct{}
	scanner *credential.Scanner
	keyers  []*credential.Keyer // of secrets, under each root key
	log     *slog.Logger
	now     func() time.Time
	rand    io.Reader
}

// New makes a Workspace.
func New(cfg Config) *Workspace {
	w := &Workspace{store: cfg.Store, modes: cfg.Modes, posted: cfg.Posted, perDay: cfg.PerDay, files: cfg.Files, reading: make(chan struct{}, 2), log: cfg.Logger, now: cfg.Now, rand: cfg.Rand}
	w.scanner = cfg.Store.Schemes().Scanner(cfg.Issuer)
	for _, root := range cfg.Store.Root().All() {
		w.keyers = append(w.keyers, credential.NewKeyer(root.Derive(seal.LookupKeys)))
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.now == nil {
		w.now = time.Now
	}
	if w.rand == nil {
		w.rand = rand.Reader
	}
	return w
}

// clock returns the present time as it is stored: UTC, to the millisecond.
func (w *Workspace) clock() time.Time { return w.now().UTC().Truncate(time.Millisecond) }

// newID draws a UUIDv7: ids of one millisecond sort in the order of creation.
func (w *Workspace) newID() (uuid.UUID, error) { return uuid.NewV7FromReader(w.rand) }

// ErrClosed marks the error about a project that is there, but not for the
// principal. It is credential.NotFound as well; a dialect that tells the two
// apart asks for ErrClosed first.
var ErrClosed = errors.New("the project is closed to the caller")

// Project finds a project in which a principal may do something.
func (w *Workspace) Project(ctx context.Context, p *credential.Principal, ref store.ProjectRef, need credential.Permission) (*store.Project, error) {
	return find(ctx, w.store, p, want{ref, need})
}

// want is a project, and what is to be done in it.
type want struct {
	project store.ProjectRef
	need    credential.Permission
}

// anything is what whoever sees a project may do there.
const anything credential.Permission = ""

// finder has what a store has outside of a change and within one.
type finder interface {
	ProjectFor(context.Context, *credential.Principal, store.ProjectRef) (*store.Project, credential.ProjectAccess, error)
	ProjectExists(context.Context, store.ProjectRef) (bool, error)
}

// seen finds a project that a principal sees. Any other is answered like one
// that isn't there.
func seen(ctx context.Context, s finder, p *credential.Principal, ref store.ProjectRef) (*store.Project, credential.ProjectAccess, error) {
	project, access, err := s.ProjectFor(ctx, p, ref)
	if err != nil && !errors.Is(err, credential.NotFound) {
		return nil, access, err
	}
	if err != nil || !p.Sees(access) {
		return nil, access, hidden(ctx, s, ref)
	}
	return project, access, nil
}

// find finds a project in which a principal may do something.
func find(ctx context.Context, s finder, p *credential.Principal, w want) (*store.Project, error) {
	project, access, err := seen(ctx, s, p, w.project)
	if err != nil {
		return nil, err
	}
	if w.need != anything && !p.Within(access).Has(w.need) {
		return nil, credential.Errorf(credential.Forbidden, "this needs the permission %s in the project", w.need)
	}
	return project, nil
}

// hidden is the error about a project that the principal doesn't see.
func hidden(ctx context.Context, s finder, ref store.ProjectRef) error {
	missing := credential.Errorf(credential.NotFound, "no such project")
	if ref.OrganizationNumber != 0 { // which other organizations have as well
		return missing
	}
	exists, err := s.ProjectExists(ctx, ref)
	switch {
	case err != nil:
		return err
	case exists:
		return fmt.Errorf("%w (%w)", missing, ErrClosed)
	}
	return missing
}

// A change is one transaction of a principal in a project.
type change struct {
	*store.Tx
	project  *store.Project
	by       *credential.Principal
	at       time.Time
	exposed  []credential.Found // whose owners are told when it is done
	redacted int64              // how many secrets stood in what results are made of here
}

// change runs fn in one transaction, in which the principal still may do what
// it wants in a project. The project takes changes only until it is archived.
func (w *Workspace) change(ctx context.Context, p *credential.Principal, wanted want, fn func(*change) error) error {
	project, err := find(ctx, w.store, p, wanted)
	if err != nil {
		return err
	}
	var c *change
	err = w.store.Change(ctx, project.Organization, func(tx *store.Tx) (err error) {
		if c, err = w.begin(ctx, tx, p, want{store.ProjectRef{ID: project.ID}, wanted.need}); err != nil {
			return err
		}
		return fn(c)
	})
	if c != nil && len(c.exposed) > 0 { // whatever became of it, they were shown
		w.warnOwners(ctx, project, c.exposed)
	}
	return err
}

// begin starts a change in a transaction: the principal still may do what it
// wants, and the project takes it.
func (w *Workspace) begin(ctx context.Context, tx *store.Tx, p *credential.Principal, wanted want) (c *change, err error) {
	c = &change{Tx: tx, by: p, at: w.clock()}
	if err := tx.Still(ctx, store.Acting{By: p, At: c.at, Modes: w.modes}); err != nil {
		return nil, err
	}
	if c.project, err = find(ctx, tx, p, wanted); err != nil {
		return nil, err
	}
	if !c.project.ArchivedAt.IsZero() {
		return nil, credential.Errorf(credential.Conflict, "the project is archived; restore it first")
	}
	return c, nil
}

// deposit is change for data that programs send in many small calls: it has no
// audit event. fn may be run more than once, and leaves alone what it is given.
func (w *Workspace) deposit(ctx context.Context, p *credential.Principal, wanted want, fn func(context.Context, *change) error) error {
	var c *change
	err := w.store.Data(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if c, err = w.begin(ctx, tx, p, wanted); err != nil {
			return err
		}
		return fn(ctx, c)
	})
	if c != nil && len(c.exposed) > 0 {
		w.warnOwners(ctx, c.project, c.exposed)
	}
	return err
}

// record adds the audit event of the change. The detail holds ids, numbers and
// the names of fields, never what somebody wrote.
func (c *change) record(action, target string, detail any, news ...any) {
	e := store.Acting{By: c.by, At: c.at}.Event(action, target, audit.Object(detail))
	e.News = news
	if c.project != nil { // nil for what belongs to the organization
		e.Project = c.project.ID
	}
	c.Record(e)
}

// tell is record for what happens to a campaign, of which a dialect tells news.
func (c *change) tell(action string, of *store.Campaign, detail any, news ...webhook.AboutTest) {
	list := make([]any, len(news))
	for i, n := range news {
		n.TestID, n.TestName = of.Number, of.Name
		list[i] = n
	}
	c.record(action, campaignTarget(of), detail, list...)
}

// madeBy is the credential that a row keeps: Nil for a session and the operator.
func (c *change) madeBy() uuid.UUID {
	if c.by.Credential == nil || c.by.Credential.Scheme.Kind == credential.Session {
		return uuid.Nil
	}
	return c.by.Credential.ID
}

// user is the user on whose behalf the change is made; Nil for none.
func (c *change) user() uuid.UUID {
	if c.by.SubjectType != credential.SubjectUser {
		return uuid.Nil
	}
	return c.by.Subject
}
