package workspace

import (
	"context"
	"io"

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

// importWords are the statuses of reported tests, and what they are of items.
var importWords = map[string]string{"pass": Passed, "fail": Failed, "error": Failed, "skipped": Skipped}

// ImportJUnit makes a launch of a JUnit report, with an item for each test in a
// flat list, and results of the project: all of it, or nothing.
func (w *Workspace) ImportJUnit(ctx context.Context, p *credential.Principal, ref store.ProjectRef, r ImportRequest) (*Import, error) {
	cases, err := w.readReport(ctx, r.File)
	if err != nil {
		return nil, err
	}
	q := LaunchRequest{Name: or(r.Name, "JUnit import"), Attributes: []Attribute{{Key: "agent", Value: "junit-import", System: true}}}
	if err := q.check(); err != nil {
		return nil, err
	}
	out := &Import{Warnings: []string{}}
	err = w.change(ctx, p, want{ref, credential.ResultsWrite}, func(c *change) error {
		l, err := w.newLaunch(c, &q, r.File.Sum[:])
		if err != nil {
			return err
		}
		l.EndedAt = l.StartedAt
		for n := range cases {
			l.EndedAt = l.EndedAt.Add(cases[n].Duration)
		}
		l.EndedAt = l.StartedAt.Add(min(l.EndedAt.Sub(l.StartedAt), mostDuration))
		l.Items = int64(len(cases))
		if err := c.InsertLaunch(ctx, l); err != nil {
			return err
		}
		if err := w.importCases(ctx, c, l, cases); err != nil {
			return err
		}
		out.Launch = l
		return w.closeLaunch(ctx, c, l, resultsOf(cases))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readReport reads what is in a file.
func (w *Workspace) readReport(ctx context.Context, from *artifact.Staged) ([]testresult.Result, error) {
	file, err := from.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	select {
	case w.reading <- struct{}{}:
		defer func() { <-w.reading }()
	case <-ctx.Done():
		return nil, credential.Errorf(credential.Unavailable, "too many files are being read right now; try again later")
	}
	cases, err := testresult.Read("junit", io.Reader(file), MostItems)
	if err != nil {
		return nil, credential.InvalidField("file", "%s", clip(err.Error(), mostMessage))
	}
	return cases, nil
}

// importCases stores tests as items of a launch, each of which has the error of
// its test as a log.
func (w *Workspace) importCases(ctx context.Context, c *change, l *store.Launch, cases []testresult.Result) error {
	var items []store.LaunchItem
	var logs []store.LaunchLog
	at := l.StartedAt
	for n := range cases {
		t := &cases[n]
		r := ItemRequest{Type: "STEP", Name: t.Name, CodeRef: joined(t.Class, t.Name), StartedAt: at}
		r.TestCaseID = r.CodeRef
		if err := r.check(); err != nil {
			return err
		}
		i, err := w.newItem(&r, l, fingerprint(n))
		if err != nil {
			return err
		}
		i.Number, i.Said = l.Number*store.PlacesOfLaunch+int64(n)+1, importWords[t.Status]
		i.Status, i.EndedAt = i.Said, i.StartedAt.Add(min(t.Duration, mostDuration))
		at = i.EndedAt
		if message := keepText(t.Message); message != "" {
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

func levelOf(status string) string {
	if status == Failed {
		return "ERROR"
	}
	return "INFO"
}

// resultsOf are reported tests as results of a project.
func resultsOf(cases []testresult.Result) []store.TestResult {
	results := make([]store.TestResult, len(cases))
	for n, t := range cases {
		results[n] = store.TestResult{Name: t.Name, Class: t.Class, Status: t.Status, Duration: min(t.Duration, mostDuration), Message: t.Message}
	}
	return results
}
