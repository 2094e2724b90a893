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
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of a launch. Agents don't look at what they send: texts are cut, and
// only what can't be kept is refused.
const (
	MostItems       = 100_000 // of a launch
	MostLogs        = 500_000
	mostLaunchFiles = 10_000
	mostLaunchName  = 256   // characters
	mostText        = 65536 // bytes of a description or a message
	mostRef         = 2_000 // characters of what names a test
	mostAttributes  = 100
	mostAttribute   = 512 // characters of its key, and of its value
)

// What becomes of launches and of their items.
const (
	Passed      = "passed"
	Failed      = "failed"
	Skipped     = "skipped"
	Interrupted = "interrupted"
	Cancelled   = "cancelled"
)

// Attribute says something of a launch or an item. One of the system is of the
// agent and of where it runs. As a parameter of a test it is one of its values.
type Attribute struct {
	Key    string `json:"key,omitzero"`
	Value  string `json:"value"`
	System bool   `json:"system,omitzero"`
}

// LaunchRequest starts a launch, or goes on with one.
type LaunchRequest struct {
	ID                uuid.UUID // Nil for a new one
	Name, Description string
	Mode              string // DEFAULT or DEBUG; empty is the former
	Attributes        []Attribute
	StartedAt         time.Time // zero is now
	Rerun             bool      // of the latest launch of this name, or
	RerunOf           string    // of the one with this id
}

// LaunchModes lists the modes of launches.
func LaunchModes() []string { return []string{"DEFAULT", "DEBUG"} }

// launchDetail is the detail of the events about a launch.
type launchDetail struct {
	Project uuid.UUID `json:"project"`
	Number  int64     `json:"number"`
	Status  string    `json:"status"`
	Tests   int64     `json:"tests"`
}

func (c *change) recordLaunch(action string, l *store.Launch) {
	c.record(action, "launch:"+l.ID.String(), launchDetail{l.Project, l.Number, l.Status, l.Counts.Total})
}

// StartLaunch starts a launch. The same call with the same id does nothing again.
func (w *Workspace) StartLaunch(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r LaunchRequest) (out *store.Launch, err error) {
	found := exposed{}
	w.redact(&found, &r.Name, &r.Description)
	w.redactAttributes(&found, r.Attributes)
	if err := r.check(); err != nil {
		return nil, err
	}
	request := fingerprint(r)
	err = w.change(ctx, p, want{ref, credential.ResultsWrite}, func(c *change) (err error) {
		c.tellExposed(found)
		if r.Rerun || r.RerunOf != "" {
			out, err = w.rerun(ctx, c, &r)
			return err
		}
		if r.ID != uuid.Nil {
			out, err = c.LaunchByID(ctx, r.ID)
			again, err := repeats(err, out != nil && out.Project == c.project.ID && bytes.Equal(out.Request, request))
			if err != nil || again {
				return cmp.Or(err, errUnchanged)
			}
		}
		if out, err = w.newLaunch(c, &r, request); err != nil {
			return err
		}
		if err := c.InsertLaunch(ctx, out); err != nil {
			return err
		}
		c.recordLaunch("launch.start", out)
		return nil
	})
	return out, unlessUnchanged(err)
}

// repeats reports whether what was looked for by an id is there and the same; if
// it is there and another, that is an error.
func repeats(lookup error, same bool) (bool, error) {
	switch {
	case errors.Is(lookup, credential.NotFound):
		return false, nil
	case lookup != nil || same:
		return lookup == nil, lookup
	}
	return false, credential.Errorf(credential.Conflict, "this uuid is in use")
}

// fingerprint tells one call from another.
func fingerprint(call any) []byte {
	text, err := json.Marshal(call, json.Deterministic(true))
	if err != nil { // a text that is no UTF-8, which is cut out before it is kept
		text = nil
	}
	hash := sha256.Sum256(text)
	return hash[:]
}

func (r *LaunchRequest) check() (err error) {
	if r.Name = plainText(r.Name, mostLaunchName); r.Name == "" {
		return credential.InvalidField("name", "must not be empty")
	}
	r.Description = keepText(r.Description)
	if r.Mode, err = oneOf("mode", strings.ToUpper(or(r.Mode, "DEFAULT")), LaunchModes()); err != nil {
		return err
	}
	r.Attributes, err = checkAttributes("attributes", r.Attributes)
	return err
}

func (w *Workspace) newLaunch(c *change, r *LaunchRequest, request []byte) (*store.Launch, error) {
	id, err := w.newID()
	if r.ID != uuid.Nil {
		id = r.ID
	}
	return &store.Launch{ID: id, Project: c.project.ID, Name: r.Name, Description: r.Description, Attributes: attributeList(r.Attributes), Mode: r.Mode, Status: inProgress,
		Request: request, Maker: c.maker(), StartedAt: orNow(r.StartedAt, c.at), CreatedAt: c.at}, err
}

// rerun goes on with a launch that there is.
func (w *Workspace) rerun(ctx context.Context, c *change, r *LaunchRequest) (l *store.Launch, err error) {
	if r.RerunOf != "" {
		l, err = c.launchNamed(ctx, r.RerunOf)
	} else {
		l, err = c.LatestLaunch(ctx, c.project.ID, r.Name)
	}
	if err != nil {
		return nil, err
	}
	if l, err = c.HoldLaunch(ctx, c.project.ID, l.ID); err != nil {
		return nil, err
	}
	l.Status, l.EndedAt, l.Reruns = inProgress, time.Time{}, l.Reruns+1
	l.Description = or(r.Description, l.Description)
	if len(r.Attributes) > 0 {
		l.Attributes = attributeList(r.Attributes)
	}
	c.recordLaunch("launch.rerun", l)
	return l, c.SaveLaunch(ctx, l)
}

// launchNamed finds a launch by its id, or by its number.
func (c *change) launchNamed(ctx context.Context, name string) (*store.Launch, error) {
	return launchNamed(ctx, c.Tx, c.project.ID, name)
}

// LaunchFinish ends a launch. What becomes of it is not for the agent to say.
type LaunchFinish struct {
	EndedAt     time.Time // zero is now
	Description string    // empty leaves it as it is
	Attributes  []Attribute
}

// FinishLaunch ends a launch: what goes on of it is interrupted, its status is
// worked out, and its tests become results of the project. A repeat does nothing.
func (w *Workspace) FinishLaunch(ctx context.Context, p *credential.Principal, at LaunchAt, r LaunchFinish) (l *store.Launch, err error) {
	exposed := exposed{}
	w.redact(&exposed, &r.Description)
	w.redactAttributes(&exposed, r.Attributes)
	if r.Attributes, err = checkAttributes("attributes", r.Attributes); err != nil {
		return nil, err
	}
	err = w.changeLaunch(ctx, p, at, func(c *change, found *store.Launch) error {
		c.tellExposed(exposed)
		if l = found; l.Status != inProgress {
			return errUnchanged
		}
		l.EndedAt = later(orNow(r.EndedAt, c.at), l.StartedAt)
		if r.Description != "" {
			l.Description = keepText(r.Description)
		}
		l.Attributes = addAttributes(l.Attributes, r.Attributes)
		return w.closeLaunch(ctx, c, l, nil)
	})
	return l, unlessUnchanged(err)
}

// LaunchAt names a launch of a project: by its id, or by its number.
type LaunchAt struct {
	Project store.ProjectRef
	Launch  string
}

// changeLaunch runs fn in one transaction about a launch.
func (w *Workspace) changeLaunch(ctx context.Context, p *credential.Principal, at LaunchAt, fn func(*change, *store.Launch) error) error {
	return w.change(ctx, p, want{at.Project, credential.ResultsWrite}, func(c *change) error {
		l, err := c.launchNamed(ctx, at.Launch)
		if err != nil {
			return err
		}
		if l, err = c.HoldLaunch(ctx, c.project.ID, l.ID); err != nil { // as it is now
			return err
		}
		return fn(c, l)
	})
}

// LaunchUpdate says what is different of a launch; what is nil stays.
type LaunchUpdate struct {
	Mode, Description *string
	Attributes        []Attribute
}

// UpdateLaunch changes what people say of a launch.
func (w *Workspace) UpdateLaunch(ctx context.Context, p *credential.Principal, at LaunchAt, r LaunchUpdate) (l *store.Launch, err error) {
	exposed := exposed{}
	if r.Description != nil {
		w.redact(&exposed, r.Description)
	}
	w.redactAttributes(&exposed, r.Attributes)
	if r.Attributes, err = checkAttributes("attributes", r.Attributes); err != nil {
		return nil, err
	}
	if r.Mode != nil {
		mode, err := oneOf("mode", strings.ToUpper(*r.Mode), LaunchModes())
		if err != nil {
			return nil, err
		}
		r.Mode = &mode
	}
	err = w.changeLaunch(ctx, p, at, func(c *change, found *store.Launch) error {
		c.tellExposed(exposed)
		l = found
		if r.Mode != nil {
			l.Mode = *r.Mode
		}
		if r.Description != nil {
			l.Description = keepText(*r.Description)
		}
		if r.Attributes != nil {
			l.Attributes = attributeList(r.Attributes)
		}
		c.recordLaunch("launch.update", l)
		return c.SaveLaunch(ctx, l)
	})
	return l, err
}

// launchFinder has what a store has outside of a change and within one.
type launchFinder interface {
	LaunchIn(ctx context.Context, project, id uuid.UUID) (*store.Launch, error)
	LaunchByNumber(ctx context.Context, project uuid.UUID, number int64) (*store.Launch, error)
}

func launchNamed(ctx context.Context, s launchFinder, project uuid.UUID, name string) (*store.Launch, error) {
	id, number := named(name)
	switch {
	case id != uuid.Nil:
		return s.LaunchIn(ctx, project, id)
	case number > 0:
		return s.LaunchByNumber(ctx, project, number)
	}
	return nil, credential.Errorf(credential.NotFound, "no such launch")
}

// named reads an id or a number; neither of them where it is none.
func named(text string) (id uuid.UUID, number int64) {
	if id, err := uuid.Parse(text); err == nil && len(text) == len(id.String()) {
		return id, 0
	}
	const mostDigits = 18
	if len(text) > mostDigits {
		return uuid.Nil, 0
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return uuid.Nil, 0
		}
		number = 10*number + int64(text[i]-'0')
	}
	return uuid.Nil, number
}

// Launch finds a launch of a project. The counts of one that goes on are those of
// this moment.
func (w *Workspace) Launch(ctx context.Context, p *credential.Principal, at LaunchAt) (*store.Launch, error) {
	project, err := find(ctx, w.store, p, want{at.Project, credential.ResultsRead})
	if err != nil {
		return nil, err
	}
	l, err := launchNamed(ctx, w.store, project.ID, at.Launch)
	if err != nil {
		return nil, err
	}
	return l, w.countNow(ctx, l)
}

// countNow counts the tests of a launch that goes on.
func (w *Workspace) countNow(ctx context.Context, l *store.Launch) error {
	if l.Status != inProgress {
		return nil
	}
	items, err := w.store.BareItems(ctx, l.ID)
	l.Counts = settle(items, false).counts
	return err
}

// LaunchQuery asks for launches of a project. What is empty leaves nothing out.
type LaunchQuery struct {
	Mode, Name, Status string
	IDs                []string // at most a thousand
	Section
}

// Launches lists launches of a project, the latest first.
func (w *Workspace) Launches(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q LaunchQuery) ([]store.Launch, int64, error) {
	f := store.LaunchFilter{Mode: q.Mode, Name: q.Name, Status: q.Status}
	if q.IDs != nil {
		f.IDs = []uuid.UUID{uuid.Nil} // which is nobody's
		for _, text := range q.IDs[:min(len(q.IDs), mostMerged)] {
			if id, _ := named(text); id != uuid.Nil {
				f.IDs = append(f.IDs, id)
			}
		}
	}
	found, total, err := belonging(ctx, w, reading{p, want{ref, credential.ResultsRead}, q.Section}, func(ctx context.Context, project uuid.UUID, page store.Page) ([]store.Launch, int64, error) {
		f.Project = project
		return w.store.Launches(ctx, f, page)
	})
	for i := range found {
		if err == nil {
			err = w.countNow(ctx, &found[i])
		}
	}
	return found, total, err
}

// checkAttributes cuts attributes to what is kept of them; nil stays nil.
func checkAttributes(field string, list []Attribute) ([]Attribute, error) {
	if len(list) > mostAttributes {
		return nil, credential.InvalidField(field, "at most %d", mostAttributes)
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].Key, list[i].Value = plainText(list[i].Key, mostAttribute), plainText(list[i].Value, mostAttribute)
	}
	return list, nil
}

// attributeList writes attributes as they are kept.
func attributeList(list []Attribute) string {
	if list == nil {
		list = []Attribute{}
	}
	text, err := json.Marshal(list)
	if err != nil { // what was cut is UTF-8
		return "[]"
	}
	return string(text)
}

// AttributesOf reads attributes as they are kept: none, where they are damaged.
func AttributesOf(text string) []Attribute {
	list := []Attribute{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return []Attribute{}
	}
	return list
}

// addAttributes adds attributes to those that are kept, but for what is there.
func addAttributes(kept string, more []Attribute) string {
	if len(more) == 0 {
		return kept
	}
	list := AttributesOf(kept)
	for _, a := range more {
		if !slices.Contains(list, a) && len(list) < mostAttributes {
			list = append(list, a)
		}
	}
	return attributeList(list)
}

// plainText is a text of one line as it is kept: so many characters of it.
func plainText(text string, most int) string {
	return clip(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, text), most)
}

// cutMark stands behind a text of which not all is kept.
const cutMark = "\n… (cut: only the first 64 KB are kept)"

// keepText is a text of many lines as it is kept: up to 64 KB of it.
func keepText(text string) string {
	cut := len(text) > mostText
	if cut {
		text = text[:mostText]
		for i := 1; i < utf8.UTFMax && i <= len(text); i++ { // half a character
			if c := text[len(text)-i]; c >= utf8.RuneSelf && utf8.RuneStart(c) {
				if !utf8.FullRuneInString(text[len(text)-i:]) {
					text = text[:len(text)-i]
				}
				break
			}
		}
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if cut {
		text += cutMark
	}
	return text
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t.UTC().Truncate(time.Millisecond)
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
