package workspace

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// itemTypes are those of items that hold others or are tests, and hookTypes
// those of what runs before or after them.
var (
	itemTypes = []string{"SUITE", "STORY", "TEST", "SCENARIO", "STEP"}
	hookTypes = []string{"BEFORE_CLASS", "BEFORE_GROUPS", "BEFORE_METHOD", "BEFORE_SUITE", "BEFORE_TEST",
		"AFTER_CLASS", "AFTER_GROUPS", "AFTER_METHOD", "AFTER_SUITE", "AFTER_TEST"}
)

// itemWords are the statuses that agents give, and what they are here.
var itemWords = map[string]string{
	Passed: Passed, "info": Passed, "warn": Passed,
	Failed:  Failed,
	Skipped: Skipped, "untested": Skipped,
	Interrupted: Interrupted, "stopped": Interrupted,
	Cancelled: Cancelled,
}

// ItemRequest starts an item of a launch.
type ItemRequest struct {
	ID                                        uuid.UUID // Nil for a new one
	Launch, Parent                            uuid.UUID // Nil where the parent says which launch, and at the root
	Type, Name, CodeRef, TestCaseID, UniqueID string
	Description                               string
	Attributes, Parameters                    []Attribute
	NoStats                                   bool // it is a part of a test
	Retry                                     bool // it takes the place of the attempt before it, or
	RetryOf                                   uuid.UUID
	StartedAt                                 time.Time // zero is now
}

// StartItem starts an item, and returns its id. In a launch that is run again, a
// suite that was there is gone on with.
func (w *Workspace) StartItem(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r ItemRequest) (id uuid.UUID, err error) {
	found := exposed{}
	w.redactItem(&r, &found)
	if err := r.check(); err != nil {
		return uuid.Nil, err
	}
	request := fingerprint(r)
	err = w.deposit(ctx, p, want{ref, credential.ResultsWrite}, func(ctx context.Context, c *change) error {
		c.tellExposed(found)
		l, err := c.launchOf(ctx, r.Launch, r.Parent)
		if err != nil {
			return err
		}
		if r.ID != uuid.Nil {
			before, err := c.LaunchItemByID(ctx, r.ID)
			again, err := repeats(err, before != nil && before.Project == c.project.ID && bytes.Equal(before.Request, request))
			if id = r.ID; err != nil || again {
				return err
			}
		}
		if l.Status != inProgress {
			return credential.Errorf(credential.NotAcceptable, "the launch is finished; it takes no more items")
		}
		i, err := w.newItem(&r, l, request)
		if err != nil {
			return err
		}
		id, err = c.addItem(ctx, l, i, &r)
		return err
	})
	return id, err
}

// launchOf finds the launch of a new item and holds it.
func (c *change) launchOf(ctx context.Context, launch, parent uuid.UUID) (*store.Launch, error) {
	if parent != uuid.Nil {
		above, err := c.LaunchItemIn(ctx, c.project.ID, parent)
		if err != nil {
			return nil, err
		}
		if launch == uuid.Nil {
			launch = above.Launch
		}
		l, err := c.HoldLaunch(ctx, c.project.ID, launch)
		if err == nil && l.ID != above.Launch {
			err = credential.Errorf(credential.NotFound, "no such item in this launch")
		}
		return l, err
	}
	if launch == uuid.Nil {
		return nil, credential.InvalidField("launchUuid", "must name the launch")
	}
	return c.HoldLaunch(ctx, c.project.ID, launch)
}

func (r *ItemRequest) check() (err error) {
	if r.Type, err = oneOf("type", strings.ToUpper(r.Type), append(slices.Clone(itemTypes), hookTypes...)); err != nil {
		return err
	}
	r.Name = or(plainText(r.Name, mostName), "(no name)")
	r.CodeRef, r.TestCaseID, r.UniqueID = plainText(r.CodeRef, mostRef), plainText(r.TestCaseID, mostRef), plainText(r.UniqueID, mostRef)
	r.Description = keepText(r.Description)
	if r.Attributes, err = checkAttributes("attributes", r.Attributes); err == nil {
		r.Parameters, err = checkAttributes("parameters", r.Parameters)
	}
	return err
}

// identity is the same for each attempt of a test under one parent: by what its
// agent calls it, and else by where it is and its name.
func (r *ItemRequest) identity() []byte {
	name := "id " + cmp.Or(r.TestCaseID, r.UniqueID)
	if r.TestCaseID+r.UniqueID == "" {
		name = "ref " + r.CodeRef + "\n" + r.Name
	}
	hash := sha256.Sum256([]byte(name))
	return hash[:16]
}

func (w *Workspace) newItem(r *ItemRequest, l *store.Launch, request []byte) (*store.LaunchItem, error) {
	id, err := w.newID()
	if r.ID != uuid.Nil {
		id = r.ID
	}
	return &store.LaunchItem{
		ID: id, Project: l.Project, Launch: l.ID, Parent: r.Parent, Type: r.Type, Name: r.Name, CodeRef: r.CodeRef, TestCaseID: r.TestCaseID, UniqueID: r.UniqueID,
		Identity: r.identity(), Attributes: attributeList(r.Attributes), Parameters: attributeList(r.Parameters), Description: r.Description, HasStats: !r.NoStats,
		Attempt: 1, Rerun: l.Reruns, Status: inProgress, Request: request, StartedAt: orNow(r.StartedAt, w.clock()),
	}, err
}

// addItem stores a new item, or goes on with the one of an earlier run.
func (c *change) addItem(ctx context.Context, l *store.Launch, i *store.LaunchItem, r *ItemRequest) (uuid.UUID, error) {
	before, err := c.attemptBefore(ctx, l, i, r)
	if err != nil {
		return uuid.Nil, err
	}
	if before != nil {
		below, err := c.HasItems(ctx, []uuid.UUID{before.ID})
		if err != nil {
			return uuid.Nil, err
		}
		if below[before.ID] && before.Rerun < l.Reruns && before.HasStats && r.ID == uuid.Nil && !r.Retry {
			before.Said, before.Status, before.EndedAt, before.Rerun = "", inProgress, time.Time{}, l.Reruns
			return before.ID, c.SaveLaunchItem(ctx, before)
		}
		i.Attempt, before.SupersededBy = before.Attempt+1, i.ID
		if err := c.SaveLaunchItem(ctx, before); err != nil {
			return uuid.Nil, err
		}
	}
	if l.Items >= MostItems {
		return uuid.Nil, credential.Errorf(credential.LimitReached, "a launch has %d items at most", MostItems)
	}
	l.Items++
	i.Number = l.Number*store.PlacesOfLaunch + l.Items
	if err := c.InsertLaunchItems(ctx, []store.LaunchItem{*i}); err != nil {
		return uuid.Nil, err
	}
	return i.ID, c.TallyLaunch(ctx, l)
}

// attemptBefore finds the item whose place a new one takes, or nil.
func (c *change) attemptBefore(ctx context.Context, l *store.Launch, i *store.LaunchItem, r *ItemRequest) (*store.LaunchItem, error) {
	var before *store.LaunchItem
	var err error
	switch {
	case r.RetryOf != uuid.Nil:
		if before, err = c.LaunchItemIn(ctx, c.project.ID, r.RetryOf); err == nil && (before.Launch != l.ID || before.SupersededBy != uuid.Nil) {
			before = nil
		}
	case r.Retry:
		before, err = c.LastAttempt(ctx, i)
	case l.Reruns > 0:
		if before, err = c.LastAttempt(ctx, i); err == nil && before.Rerun == l.Reruns {
			before = nil // of this run, and another test that is called alike
		}
	}
	if errors.Is(err, credential.NotFound) {
		return nil, nil
	}
	return before, err
}

// ItemFinish ends an item.
type ItemFinish struct {
	EndedAt                         time.Time // zero is now
	Status, Description, TestCaseID string    // empty for none
	Attributes                      []Attribute
	Issue                           string // a JSON object; empty for none
}

// FinishItem ends an item. It may end before or after what is below it, and
// after its launch.
func (w *Workspace) FinishItem(ctx context.Context, p *credential.Principal, at ItemAt, r ItemFinish) error {
	found := exposed{}
	w.redact(&found, &r.Description, &r.TestCaseID, &r.Issue)
	w.redactAttributes(&found, r.Attributes)
	if err := r.check(); err != nil {
		return err
	}
	return w.depositItem(ctx, p, at, func(ctx context.Context, c *change, l *store.Launch, i *store.LaunchItem) (err error) {
		c.tellExposed(found)
		i.EndedAt = later(orNow(r.EndedAt, c.at), i.StartedAt)
		i.Said, i.Description, i.TestCaseID, i.Issue = or(r.Status, i.Said), or(r.Description, i.Description), or(r.TestCaseID, i.TestCaseID), or(r.Issue, i.Issue)
		i.Attributes = addAttributes(i.Attributes, r.Attributes)
		if i.Status = i.Said; i.Said == "" {
			below, err := c.ItemsBelow(ctx, i.ID)
			if err != nil {
				return err
			}
			i.Status = worst(below, Skipped)
		}
		if err := c.SaveLaunchItem(ctx, i); err != nil {
			return err
		}
		if l.Status != inProgress { // which had counted it as one that never ended
			return w.recount(ctx, c, l)
		}
		return c.tellAbove(ctx, i)
	})
}

// tellAbove works out again how what is above an item went, where that ended
// before it.
func (c *change) tellAbove(ctx context.Context, i *store.LaunchItem) error {
	for i.Parent != uuid.Nil && i.SupersededBy == uuid.Nil {
		above, err := c.LaunchItemIn(ctx, c.project.ID, i.Parent)
		if err != nil || above.EndedAt.IsZero() {
			return err
		}
		below, err := c.ItemsBelow(ctx, above.ID)
		if err != nil {
			return err
		}
		status := or(above.Said, worst(below, Skipped))
		if i.HasStats && i.Status == Failed {
			status = Failed
		}
		if status == above.Status {
			return nil
		}
		above.Status = status
		if err := c.SaveLaunchItem(ctx, above); err != nil {
			return err
		}
		i = above
	}
	return nil
}

func (r *ItemFinish) check() (err error) {
	if r.Status != "" {
		word, known := itemWords[strings.ToLower(r.Status)]
		if !known {
			_, err := credential.CheckChoice("status", r.Status, []string{Passed, Failed, Skipped, Interrupted, Cancelled, "stopped"})
			return err
		}
		r.Status = word
	}
	r.Description, r.TestCaseID, r.Issue = keepText(r.Description), plainText(r.TestCaseID, mostRef), plainText(r.Issue, 4_000)
	r.Attributes, err = checkAttributes("attributes", r.Attributes)
	return err
}

// ItemAt names an item of a project: by its id, or by its number.
type ItemAt struct {
	Project store.ProjectRef
	Item    string
}

// depositItem runs fn in one transaction about an item, whose launch is held.
func (w *Workspace) depositItem(ctx context.Context, p *credential.Principal, at ItemAt, fn func(context.Context, *change, *store.Launch, *store.LaunchItem) error) error {
	return w.deposit(ctx, p, want{at.Project, credential.ResultsWrite}, func(ctx context.Context, c *change) error {
		i, err := itemNamed(ctx, c.Tx, c.project.ID, at.Item)
		if err != nil {
			return err
		}
		l, err := c.HoldLaunch(ctx, c.project.ID, i.Launch)
		if err != nil {
			return err
		}
		if i, err = c.LaunchItemIn(ctx, c.project.ID, i.ID); err != nil { // as it is now
			return err
		}
		return fn(ctx, c, l, i)
	})
}

// ItemUpdate says what is different of an item; what is nil stays.
type ItemUpdate struct {
	Status, Description *string
	Attributes          []Attribute
}

// UpdateItem changes what people say of an item.
func (w *Workspace) UpdateItem(ctx context.Context, p *credential.Principal, at ItemAt, r ItemUpdate) error {
	finish := ItemFinish{Attributes: r.Attributes}
	if r.Status != nil {
		finish.Status = *r.Status
	}
	found := exposed{}
	if r.Description != nil {
		w.redact(&found, r.Description)
	}
	w.redactAttributes(&found, finish.Attributes)
	if err := finish.check(); err != nil {
		return err
	}
	return w.depositItem(ctx, p, at, func(ctx context.Context, c *change, l *store.Launch, i *store.LaunchItem) error {
		c.tellExposed(found)
		if r.Description != nil {
			i.Description = keepText(*r.Description)
		}
		if r.Attributes != nil {
			i.Attributes = attributeList(finish.Attributes)
		}
		if finish.Status != "" {
			i.Said, i.Status, i.EndedAt = finish.Status, finish.Status, later(orNow(i.EndedAt, c.at), i.StartedAt)
		}
		if err := c.SaveLaunchItem(ctx, i); err != nil || finish.Status == "" || l.Status == inProgress {
			return err
		}
		return w.recount(ctx, c, l)
	})
}

// itemFinder has what a store has outside of a change and within one.
type itemFinder interface {
	LaunchItemIn(ctx context.Context, project, id uuid.UUID) (*store.LaunchItem, error)
	LaunchItemByNumber(ctx context.Context, project uuid.UUID, number int64) (*store.LaunchItem, error)
}

func itemNamed(ctx context.Context, s itemFinder, project uuid.UUID, name string) (*store.LaunchItem, error) {
	id, number := named(name)
	switch {
	case id != uuid.Nil:
		return s.LaunchItemIn(ctx, project, id)
	case number > 0:
		return s.LaunchItemByNumber(ctx, project, number)
	}
	return nil, credential.Errorf(credential.NotFound, "no such item")
}

// Item is an item as it is shown.
type Item struct {
	store.LaunchItem
	Holds bool // others
}

// Item finds an item of a launch.
func (w *Workspace) Item(ctx context.Context, p *credential.Principal, at ItemAt) (*Item, error) {
	project, err := find(ctx, w.store, p, want{at.Project, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	i, err := itemNamed(ctx, w.store, project.ID, at.Item)
	if err != nil {
		return nil, err
	}
	shown, err := w.holding(ctx, []store.LaunchItem{*i})
	if err != nil {
		return nil, err
	}
	return &shown[0], nil
}

// holding says of items which hold others.
func (w *Workspace) holding(ctx context.Context, items []store.LaunchItem) ([]Item, error) {
	ids, out := make([]uuid.UUID, len(items)), make([]Item, len(items))
	for n := range items {
		ids[n] = items[n].ID
	}
	holds, err := w.store.HasItems(ctx, ids)
	for n := range items {
		out[n] = Item{items[n], holds[items[n].ID]}
	}
	return out, err
}

// ItemQuery asks for items of a project. What is empty leaves nothing out.
type ItemQuery struct {
	Launch, Parent string // an id, or a number
	Status, Type   string
	Section
}

// Items lists items in the order in which they were started.
func (w *Workspace) Items(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q ItemQuery) ([]Item, int64, error) {
	found, total, err := belonging(ctx, w, reading{p, want{ref, credential.ResultsRead}, q.Section}, func(ctx context.Context, project uuid.UUID, page store.Page) ([]store.LaunchItem, int64, error) {
		f := store.ItemFilter{Project: project, Status: q.Status, Type: q.Type}
		if q.Launch != "" {
			l, err := launchNamed(ctx, w.store, project, q.Launch)
			if err != nil {
				return nil, 0, err
			}
			f.Launch = l.ID
		}
		if q.Parent != "" {
			i, err := itemNamed(ctx, w.store, project, q.Parent)
			if err != nil {
				return nil, 0, err
			}
			f.Parent = i.ID
		}
		return w.store.LaunchItems(ctx, f, page)
	})
	if err != nil {
		return nil, 0, err
	}
	shown, err := w.holding(ctx, found)
	return shown, total, err
}
