package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema of a database up to date and closes it again. It
// returns the version before and after.
func Migrate(ctx context.Context, cfg Config) (from, to int64, err error) {
	s, err := connect(ctx, cfg)
	if err != nil {
		return 0, 0, err
	}
	return s.from, s.to, s.Close()
}

// migrate runs the migrations that the database lacks, one transaction each.
// Nodes that start together wait for each other: on PostgreSQL by an advisory
// lock, on SQLite by the lock on the data directory.
func (s *Store) migrate(ctx context.Context, dialect string) error {
	files, err := fs.Sub(migrations, "migrations/"+dialect)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger())}
	kind := goose.DialectSQLite3
	if dialect == "postgres" {
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, s.write, files, options...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	s.from, s.to, err = provider.GetVersions(ctx)
	if err != nil {
		return s.failed("read the schema version", err)
	}
	if s.from > s.to {
		return fmt.Errorf("the database has schema version %d, and this binary knows only %d: a newer Gatehouse has used it; run that version or a newer one", s.from, s.to)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.failed("migrate", err)
	}
	return nil
}
