package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// LaunchLog is a line that a test wrote, or a file of it.
type LaunchLog struct {
	ID, Launch, Item uuid.UUID // Item is Nil for one of the launch itself
	Number           int64
	At               time.Time
	Level, Message   string
	Artifact         uuid.UUID // Nil for none
	File             LogFile   // of the artifact
}

// LogFile is what is known of the file of a log.
type LogFile struct {
	Name, Type string
	Size       int64
}

// InsertLaunchLogs stores new logs, which have their numbers.
func (t *Tx) InsertLaunchLogs(ctx context.Context, logs []LaunchLog) error {
	rows := inserts{t: t, op: "store a log of a launch", columns: 8, into: `launch_logs (id, launch_id, item_id, number, at, level, message, artifact_id)`}
	for n := range logs {
		l := &logs[n]
		if err := rows.add(ctx, l.ID, l.Launch, nullable(l.Item), l.Number, l.At.UnixMilli(), l.Level, l.Message, nullable(l.Artifact)); err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// LogFilter chooses logs: those of an item, or else those of a launch itself.
type LogFilter struct{ Launch, Item uuid.UUID }

// LaunchLogs returns a page of the logs that a filter chooses in the order in
// which they came, and how many there are, up to MostCounted.
func (r reader) LaunchLogs(ctx context.Context, f LogFilter, p Page) ([]LaunchLog, int64, error) {
	where, arg := `o.item_id = $1`, f.Item
	if f.Item == uuid.Nil {
		where, arg = `o.launch_id = $1 AND o.item_id IS NULL`, f.Launch
	}
	targets := func(l *LaunchLog) []any {
		return []any{&l.ID, &l.Launch, nullID{&l.Item}, &l.Number, instant{&l.At}, &l.Level, &l.Message, nullID{&l.Artifact}, &l.File.Name, &l.File.Type, &l.File.Size}
	}
	return counted(ctx, r, selection[LaunchLog]{"list logs of a launch", targets, `
		SELECT o.id, o.launch_id, o.item_id, o.number, o.at, o.level, o.message, o.artifact_id, COALESCE(f.name, ''), COALESCE(f.type, ''), COALESCE(f.size, 0) FROM launch_logs o
		LEFT JOIN artifacts f ON f.id = o.artifact_id WHERE ` + where + ` ORDER BY o.number`}, []any{arg}, p)
}

type itemError struct {
	item    uuid.UUID
	message string
}

// ErrorLogs returns of each item of a launch the last error that it wrote, or
// the beginning of it.
func (r reader) ErrorLogs(ctx context.Context, launch uuid.UUID, limit int) (map[uuid.UUID]string, error) {
	rows, err := list(ctx, r, selection[itemError]{"list errors of a launch", func(e *itemError) []any { return []any{&e.item, &e.message} }, `
		SELECT o.item_id, substr(o.message, 1, 6000) FROM launch_logs o
		WHERE o.launch_id = $1 AND o.item_id IS NOT NULL AND o.level IN ('ERROR', 'FATAL') ORDER BY o.number LIMIT $2`}, launch, limit)
	out := map[uuid.UUID]string{}
	for _, row := range rows {
		out[row.item] = row.message
	}
	return out, err
}
