package workspace

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostMerged bounds the launches that become one.
const mostMerged = 1_000

// The ways to merge launches: side by side, or suites that are called alike
// into one as well.
const (
	MergeBasic = "BASIC"
	MergeDeep  = "DEEP"
)

// MergeRequest makes one launch of several.
type MergeRequest struct {
	Launches                []string // ids, or numbers
	Kind                    string   // BASIC or DEEP; empty is the former
	Name, Description, Mode string   // empty is what the first of them has
	Attributes              []Attribute
	EndedAt                 time.Time // zero is when the last of them ended
	DescribeSuites          bool      // the outermost suites say of which launch they were
}

// MergeLaunches makes one launch of several that are over. They are that one from
// then on. Their results in the project stay as they are.
func (w *Workspace) MergeLaunches(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r MergeRequest) (into *store.Launch, err error) {
	if r.Kind, err = oneOf("mergeType", strings.ToUpper(or(r.Kind, MergeBasic)), []string{MergeBasic, MergeDeep}); err != nil {
		return nil, err
	}
	if len(r.Launches) == 0 || len(r.Launches) > mostMerged {
		return nil, credential.InvalidField("launches", "must name from 1 to %d launches", mostMerged)
	}
	found := exposed{}
	w.redact(&found, &r.Name, &r.Description)
	w.redactAttributes(&found, r.Attributes)
	err = w.change(ctx, p, want{ref, credential.ResultsWrite}, func(c *change) error {
		c.tellExposed(found)
		parts, err := c.parts(ctx, r.Launches)
		if err != nil {
			return err
		}
		if into, err = w.mergedLaunch(c, parts, &r); err != nil {
			return err
		}
		if err := c.InsertLaunch(ctx, into); err != nil {
			return err
		}
		for _, part := range parts {
			if r.DescribeSuites {
				if err := c.DescribeRoots(ctx, part.ID, fmt.Sprintf("@launch '%s #%d'", part.Name, part.Number)); err != nil {
					return err
				}
			}
			if err := c.MergeLaunch(ctx, part.ID, into.ID); err != nil {
				return err
			}
		}
		if r.Kind == MergeDeep {
			if err := c.foldSuites(ctx, into); err != nil {
				return err
			}
		}
		c.recordLaunch("launch.merge", into)
		return w.recount(ctx, c, into)
	})
	return into, err
}

// parts finds launches that are over and holds them, each once, in their order.
func (c *change) parts(ctx context.Context, names []string) ([]store.Launch, error) {
	found := map[uuid.UUID]bool{}
	for _, name := range names {
		l, err := c.launchNamed(ctx, name)
		if err != nil {
			return nil, err
		}
		found[l.ID] = true
	}
	ids := slices.SortedFunc(maps.Keys(found), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) // so that no two calls wait for each other
	var parts []store.Launch
	for _, id := range ids {
		l, err := c.HoldLaunch(ctx, c.project.ID, id)
		if err != nil {
			return nil, err
		}
		if l.Status == inProgress {
			return nil, credential.Errorf(credential.Conflict, "launch %d is in progress; finish it first", l.Number)
		}
		parts = append(parts, *l)
	}
	slices.SortFunc(parts, func(a, b store.Launch) int { return cmp.Compare(a.Number, b.Number) })
	return parts, nil
}

// mergedLaunch is what launches become.
func (w *Workspace) mergedLaunch(c *change, parts []store.Launch, r *MergeRequest) (*store.Launch, error) {
	q := LaunchRequest{Name: or(r.Name, parts[0].Name), Description: or(r.Description, parts[0].Description), Mode: or(r.Mode, parts[0].Mode), Attributes: r.Attributes, StartedAt: parts[0].StartedAt}
	if err := q.check(); err != nil {
		return nil, err
	}
	into, err := w.newLaunch(c, &q, fingerprint(r))
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		into.Items, into.Logs, into.Files = into.Items+part.Items, into.Logs+part.Logs, into.Files+part.Files
		into.EndedAt = later(into.EndedAt, part.EndedAt)
		if part.StartedAt.Before(into.StartedAt) {
			into.StartedAt = part.StartedAt
		}
		if r.Attributes == nil {
			into.Attributes = addAttributes(into.Attributes, AttributesOf(part.Attributes))
		}
	}
	if into.Items > MostItems || into.Logs > MostLogs {
		return nil, credential.Errorf(credential.LimitReached, "a launch has %d items and %d logs at most", MostItems, MostLogs)
	}
	into.EndedAt = later(orNow(r.EndedAt, into.EndedAt), into.StartedAt)
	into.Status = Passed // until it is counted
	return into, nil
}

// suiteKey is what makes suites one: where they are, and what they are called.
type suiteKey struct {
	parent     uuid.UUID
	kind, name string
}

// foldSuites makes one of the suites of a launch that are called alike, and of
// those in them.
func (c *change) foldSuites(ctx context.Context, l *store.Launch) error {
	items, err := c.BareItems(ctx, l.ID)
	if err != nil {
		return err
	}
	below := map[uuid.UUID][]int{}
	for n := range items {
		below[items[n].Parent] = append(below[items[n].Parent], n)
	}
	kept := map[suiteKey]*store.LaunchItem{}
	for todo := slices.Clone(below[uuid.Nil]); len(todo) > 0; todo = todo[1:] {
		i := &items[todo[0]]
		if len(below[i.ID]) == 0 || !i.HasStats || i.SupersededBy != uuid.Nil {
			continue
		}
		into := i
		key := suiteKey{i.Parent, i.Type, i.Name}
		if first := kept[key]; first != nil {
			into = first
			if err := c.foldSuite(ctx, i, into); err != nil {
				return err
			}
		} else {
			kept[key] = i
		}
		for _, n := range below[i.ID] {
			items[n].Parent = into.ID
			todo = append(todo, n)
		}
	}
	return nil
}

// foldSuite makes a suite a part of another.
func (c *change) foldSuite(ctx context.Context, from, into *store.LaunchItem) error {
	if err := c.FoldItem(ctx, from.ID, into.ID); err != nil {
		return err
	}
	whole, err := c.LaunchItemIn(ctx, c.project.ID, into.ID)
	if err != nil {
		return err
	}
	if from.StartedAt.Before(whole.StartedAt) {
		whole.StartedAt = from.StartedAt
	}
	whole.EndedAt = later(whole.EndedAt, from.EndedAt)
	if whole.Said != "" && from.Said != "" {
		whole.Said = worst([]string{whole.Said, from.Said}, "")
	}
	return c.SaveLaunchItem(ctx, whole)
}
