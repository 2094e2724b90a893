package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// SpendFilter chooses lines of the ledger of one organization. Empty fields
// choose all.
type SpendFilter struct {
	Organization              uuid.UUID
	Project, Credential, User uuid.UUID
	Operation                 string
	From, Until               time.Time // from, and before
	Before                    SpendPlace
	Limit                     int
}

// SpendPlace is where a spend stands in the ledger; the zero value is its end.
type SpendPlace struct {
	At time.Time
	ID uuid.UUID
}

// ListedSpend is a line of the ledger with the name of the credential, which is
// empty where that is gone.
type ListedSpend struct {
	Spend
	Name string
}

// Place is where the spend stands.
func (s *Spend) Place() SpendPlace { return SpendPlace{s.At, s.ID} }

// Spends returns the lines of the ledger that a filter chooses, the latest
// first.
func (r reader) Spends(ctx context.Context, f SpendFilter) ([]ListedSpend, error) {
	var query strings.Builder
	query.WriteString(`SELECT ` + spendColumns + `, c.name FROM spends s LEFT JOIN credentials c ON c.id = s.credential_id
		WHERE s.organization_id = $1 AND s.at >= $2`)
	args := []any{f.Organization, f.From.UnixMilli()}
	equal := func(column string, value any) {
		args = append(args, value)
		fmt.Fprintf(&query, " AND %s = $%d", column, len(args))
	}
	for column, id := range map[string]uuid.UUID{"s.project_id": f.Project, "s.credential_id": f.Credential, "s.user_id": f.User} {
		if id != uuid.Nil {
			equal(column, id)
		}
	}
	if f.Operation != "" {
		equal("s.operation", f.Operation)
	}
	if f.Before.ID != uuid.Nil && f.Before.At.Before(f.Until) { // one bound alone: of two, SQLite would begin at either
		query.WriteString(" AND (s.at, s.id) < " + places(len(args)+1, 2))
		args = append(args, f.Before.At.UnixMilli(), f.Before.ID)
	} else {
		args = append(args, f.Until.UnixMilli())
		fmt.Fprintf(&query, " AND s.at < $%d", len(args))
	}
	fmt.Fprintf(&query, " ORDER BY s.at DESC, s.id DESC LIMIT $%d", len(args)+1)
	targets := func(s *ListedSpend) []any { return append(s.targets(), missing{&s.Name}) }
	return list(ctx, r, selection[ListedSpend]{"list spends", targets, query.String()}, append(args, f.Limit)...)
}

// missing scans a text that may be NULL, which is empty then.
type missing struct{ text *string }

// Scan implements sql.Scanner.
func (m missing) Scan(src any) error {
	var text sql.NullString
	err := text.Scan(src)
	*m.text = text.String
	return err
}
