package workspace

import (
	"context"
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// ImportRequest makes a launch of a file that a test program wrote.
type ImportRequest struct {
	Name string // of the launch
	File *artifact.Staged
}

// Import is a launch that was made of a file.
type Import struct {
	*store.Launch
	Warnings []string
}

// importWords are the statuses of results, and what they are of items.
var importWords = map[string]string{"passed": Passed, "failed": Failed, "error": Failed, "skipped": Skipped}

// ImportJUnit makes a launch of a JUnit report, with an item for each test in a
// flat list, and results of the project: all of it, or nothing.
func (w *Workspace) ImportJUnit(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r ImportRequest) (*Import, error) {
	results, summary, err := w.readReport(ctx, r.File)
	if err != nil {
		return nil, err
	}
	found := exposed{}
	w.redact(&found, &r.Name)
	for n := range summary.Warnings {
		w.redact(&found, &summary.Warnings[n])
	}
	for n := range results {
		w.redactResult(&results[n], &found)
	}
	q := LaunchRequest{Name: or(r.Name, "JUnit import"), Attributes: []Attribute{{Key: "agent", Value: "junit-import", System: true}}}
	if err := q.check(); err != nil {
		return nil, err
	}
	out := &Import{Warnings: append([]string{}, summary.Warnings...)}
	err = w.change(ctx, p, want{ref, credential.ResultsWrite}, func(c *change) error {
		c.tellExposed(found)
		c.redacted = found.count
		l, err := w.newLaunch(c, &q, r.File.Sum[:])
		if err != nil {
			return err
		}
		l.EndedAt = l.StartedAt
		for n := range results {
			if l.EndedAt.Sub(l.StartedAt) < mostDuration {
				l.EndedAt = l.EndedAt.Add(results[n].Duration)
			}
		}
		l.Items = int64(len(results))
		if err := c.InsertLaunch(ctx, l); err != nil {
			return err
		}
		if err := w.importResults(ctx, c, l, results); err != nil {
			return err
		}
		out.Launch = l
		return w.closeLaunch(ctx, c, l, results)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readReport reads what is in a file.
func (w *Workspace) readReport(ctx context.Context, from *artifact.Staged) (results []store.TestResult, summary testresult.Summary, err error) {
	file, err := from.Open()
	if err != nil {
		return nil, summary, err
	}
	defer file.Close()
	done, err := w.turn(ctx)
	if err != nil {
		return nil, summary, err
	}
	defer done()
	summary, err = testresult.Read(file, testresult.Options{Format: "junit", MostCases: MostItems}, func(c *testresult.Case) error {
		results = append(results, resultOf(c))
		return nil
	})
	if err == nil && len(results) == 0 {
		err = errors.New("there are no results in it")
	}
	if err != nil {
		return nil, summary, credential.InvalidField("file", "%s", clip(err.Error(), mostMessage))
	}
	return results, summary, nil
}

// importResults stores results as items of a launch, one after another, each of
// which has why it failed as a log.
func (w *Workspace) importResults(ctx context.Context, c *change, l *store.Launch, results []store.TestResult) error {
	items := make([]store.LaunchItem, 0, len(results))
	var logs []store.LaunchLog
	at := l.StartedAt
	for n := range results {
		t := &results[n]
		r := ItemRequest{Type: "STEP", Name: t.Name, CodeRef: joined(t.Class, t.Name), StartedAt: at}
		r.TestCaseID = r.CodeRef
		if err := r.check(); err != nil {
			return err
		}
		i, err := w.newItem(&r, l, fingerprint(n))
		if err != nil {
			return err
		}
		i.Number, i.Said, i.Attempt = l.Number*store.PlacesOfLaunch+int64(n)+1, importWords[t.Status], int64(max(t.Attempt, 1))
		if at = at.Add(t.Duration); at.After(l.EndedAt) {
			at = l.EndedAt
		}
		i.Status, i.EndedAt = i.Said, at
		if message := keepText(joinedLines(t.Message, t.Detail)); message != "" {
			id, err := w.newID()
			if err != nil {
				return err
			}
			l.Logs++
			logs = append(logs, store.LaunchLog{ID: id, Launch: l.ID, Item: i.ID, Number: l.Number*store.PlacesOfLaunch + l.Logs, At: i.EndedAt, Level: levelOf(i.Status), Message: message})
		}
		items = append(items, *i)
	}
	if err := c.InsertLaunchItems(ctx, items); err != nil {
		return err
	}
	if err := c.InsertLaunchLogs(ctx, logs); err != nil {
		return err
	}
	return c.TallyLaunch(ctx, l)
}

// joinedLines is one text below another.
func joinedLines(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

func levelOf(status string) string {
	if status == Failed {
		return "ERROR"
	}
	return "INFO"
}
