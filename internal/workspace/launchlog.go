package workspace

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// logLevels are those of logs, and levelWords other names of some.
var (
	logLevels  = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "UNKNOWN"}
	levelWords = map[string]string{"WARNING": "WARN", "VERBOSE": "TRACE", "CRITICAL": "FATAL"}
)

// launchLog is what files of logs belong to.
const launchLog = "launch_log"

// MostLogBatch bounds the logs of one call.
const MostLogBatch = 1_000

// LogRequest is a line that a test wrote, or a file of it.
type LogRequest struct {
	Launch, Item   uuid.UUID // without an item it is one of the launch
	At             time.Time // zero is now
	Level, Message string
	File           string // the name of one of the files that come with it; empty for none
}

// LogFile is a file that comes with logs. Without content it is none, and a log
// may name it all the same.
type LogFile struct {
	Name string
	File *artifact.Staged // nil without content
}

// WriteLogs stores logs with their files, all or none, and returns their ids.
func (w *Workspace) WriteLogs(ctx context.Context, p *credential.Principal, ref store.ProjectRef, logs []LogRequest, files []LogFile) ([]uuid.UUID, error) {
	if len(logs) > MostLogBatch {
		return nil, credential.Errorf(credential.TooLarge, "at most %d logs at once", MostLogBatch)
	}
	places, err := filesOf(logs, files)
	if err != nil {
		return nil, err
	}
	found := exposed{}
	for n := range logs {
		w.redact(&found, &logs[n].Message)
	}
	files, clean, err := w.redactLogFiles(ctx, files, &found)
	defer clean()
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(logs))
	for n := range ids {
		if ids[n], err = w.newID(); err != nil {
			return nil, err
		}
	}
	err = w.deposit(ctx, p, want{ref, credential.ResultsWrite}, func(ctx context.Context, c *change) error {
		c.tellExposed(found)
		held := map[uuid.UUID]*store.Launch{}
		rows := make([]store.LaunchLog, len(logs))
		for n := range logs {
			l, item, err := c.logged(ctx, held, &logs[n])
			if err != nil {
				return err
			}
			rows[n] = store.LaunchLog{ID: ids[n], Launch: l.ID, Item: item, At: orNow(logs[n].At, c.at), Level: level(logs[n].Level), Message: keepText(logs[n].Message)}
			if places[n] >= 0 {
				if err := w.keepLogFile(ctx, c, l, &rows[n], &files[places[n]]); err != nil {
					return err
				}
			}
			if l.Logs >= MostLogs {
				return credential.Errorf(credential.LimitReached, "a launch has %d logs at most", MostLogs)
			}
			l.Logs++
			rows[n].Number = l.Number*store.PlacesOfLaunch + l.Logs
		}
		for _, l := range held {
			if err := c.TallyLaunch(ctx, l); err != nil {
				return err
			}
		}
		return c.InsertLaunchLogs(ctx, rows)
	})
	return ids, err
}

// filesOf finds the file of each log by its name; -1 is none. Of several that
// are called alike each is of one log, and the last of all that are left.
func filesOf(logs []LogRequest, files []LogFile) ([]int, error) {
	named := map[string][]int{}
	for n := range files {
		named[filepath.Base(files[n].Name)] = append(named[filepath.Base(files[n].Name)], n)
	}
	places := make([]int, len(logs))
	for n := range logs {
		places[n] = -1
		if logs[n].File == "" {
			continue
		}
		name := filepath.Base(logs[n].File)
		there := named[name]
		if len(there) == 0 {
			return nil, credential.InvalidField("file", "no part of the form is the file of log %d", n+1)
		}
		if len(there) > 1 {
			named[name] = there[1:]
		}
		if files[there[0]].File != nil {
			places[n] = there[0]
		}
	}
	return places, nil
}

// logged finds the launch and the item of a log. Both may be over.
func (c *change) logged(ctx context.Context, held map[uuid.UUID]*store.Launch, r *LogRequest) (*store.Launch, uuid.UUID, error) {
	launch := r.Launch
	if r.Item != uuid.Nil {
		i, err := c.LaunchItemIn(ctx, c.project.ID, r.Item)
		if err != nil {
			return nil, uuid.Nil, err
		}
		launch = i.Launch
	}
	if launch == uuid.Nil {
		return nil, uuid.Nil, credential.InvalidField("launchUuid", "must name the launch, or itemUuid the item")
	}
	if l := held[launch]; l != nil {
		return l, r.Item, nil
	}
	l, err := c.HoldLaunch(ctx, c.project.ID, launch)
	if err != nil {
		return nil, uuid.Nil, err
	}
	if same := held[l.ID]; same != nil { // by the name that it had before it was merged
		l = same
	}
	held[launch], held[l.ID] = l, l
	return l, r.Item, nil
}

func (w *Workspace) keepLogFile(ctx context.Context, c *change, l *store.Launch, log *store.LaunchLog, f *LogFile) error {
	if l.Files >= mostLaunchFiles {
		return credential.Errorf(credential.LimitReached, "a launch has %d files at most", mostLaunchFiles)
	}
	l.Files++
	a, err := w.keepFile(ctx, c, store.ArtifactOwner{Noun: launchLog, ID: log.ID}, Upload{Kind: KindOf(f.File.Type), Name: f.Name, File: f.File})
	if err != nil {
		return err
	}
	log.Artifact = a.ID
	return nil
}

// level is a level of logs, UNKNOWN where it is none.
func level(text string) string {
	text = strings.ToUpper(text)
	if other, known := levelWords[text]; known {
		return other
	}
	if slices.Contains(logLevels, text) {
		return text
	}
	return "UNKNOWN"
}

// LogQuery asks for the logs of an item, or of a launch itself.
type LogQuery struct {
	Launch, Item string // an id, or a number
	Section
}

// Logs lists logs in the order in which they came.
func (w *Workspace) Logs(ctx context.Context, p *credential.Principal, ref store.ProjectRef, q LogQuery) ([]store.LaunchLog, int64, error) {
	return belonging(ctx, w, reading{p, want{ref, credential.ResultsRead}, q.Section}, func(ctx context.Context, project uuid.UUID, page store.Page) ([]store.LaunchLog, int64, error) {
		var f store.LogFilter
		switch {
		case q.Item != "":
			i, err := itemNamed(ctx, w.store, project, q.Item)
			if err != nil {
				return nil, 0, err
			}
			f.Item = i.ID
		case q.Launch != "":
			l, err := launchNamed(ctx, w.store, project, q.Launch)
			if err != nil {
				return nil, 0, err
			}
			f.Launch = l.ID
		default:
			return nil, 0, credential.InvalidField("filter.eq.item", "must name the item, or filter.eq.launchId the launch")
		}
		return w.store.LaunchLogs(ctx, f, page)
	})
}
