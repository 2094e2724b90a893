package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// CustomField is a field that a project adds to its issues.
type CustomField struct {
	ID             uuid.UUID
	Number         int64 // in its project
	Project        uuid.UUID
	AppliesTo      string // issue or feature_request
	Ident          string // by which issues name it
	Name           string
	Type           string // text, number, boolean or select
	Required       bool
	TesterSettable bool // by a project's credential
	TesterViewable bool
	Options        []string // of a select
	MadeBy         uuid.UUID
	CreatedAt      time.Time
}

const customFieldQuery = `SELECT id, number, project_id, applies_to, ident, name, field_type, required, tester_settable, tester_viewable, options, created_at
	FROM custom_fields WHERE project_id = $1`

// customFieldRow is a field on its way out of the database.
type customFieldRow struct {
	CustomField
	options string
}

func (f *customFieldRow) targets() []any {
	return []any{&f.ID, &f.Number, &f.Project, &f.AppliesTo, &f.Ident, &f.Name, &f.Type, &f.Required, &f.TesterSettable, &f.TesterViewable, &f.options, instant{&f.CreatedAt}}
}

// field is what was scanned. One whose options can't be read has none.
func (f *customFieldRow) field() CustomField {
	_ = json.Unmarshal([]byte(f.options), &f.Options)
	return f.CustomField
}

// InsertCustomField stores a new field and gives it its number.
func (t *Tx) InsertCustomField(ctx context.Context, f *CustomField) (err error) {
	if f.Number, err = t.next(ctx, f.Project.String(), "custom_field"); err != nil {
		return err
	}
	options, err := json.Marshal(f.Options)
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO custom_fields (id, number, project_id, applies_to, ident, name, field_type, required, tester_settable, tester_viewable, options, made_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		f.ID, f.Number, f.Project, f.AppliesTo, f.Ident, f.Name, f.Type, f.Required, f.TesterSettable, f.TesterViewable, string(options), nullable(f.MadeBy), f.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a custom field", err)
	}
	return nil
}

// DeleteCustomField takes a field away. What issues have in it stays.
func (t *Tx) DeleteCustomField(ctx context.Context, id uuid.UUID) error {
	if _, err := t.q.ExecContext(ctx, `DELETE FROM custom_fields WHERE id = $1`, id); err != nil {
		return t.fail("delete a custom field", err)
	}
	return nil
}

// CustomField finds a field of a project by its number.
func (r reader) CustomField(ctx context.Context, project uuid.UUID, number int64) (*CustomField, error) {
	var row customFieldRow
	err := r.q.QueryRowContext(ctx, customFieldQuery+` AND number = $2`, project, number).Scan(row.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such custom field")
	}
	if err != nil {
		return nil, r.fail("read a custom field", err)
	}
	f := row.field()
	return &f, nil
}

// CustomFields returns the fields of a project that apply to something, in the
// order in which they were made.
func (r reader) CustomFields(ctx context.Context, project uuid.UUID, appliesTo string, limit int) ([]CustomField, error) {
	rows, err := list(ctx, r, selection[customFieldRow]{"list custom fields", (*customFieldRow).targets,
		customFieldQuery + ` AND applies_to = $2 ORDER BY number LIMIT $3`}, project, appliesTo, limit)
	out := make([]CustomField, len(rows))
	for i := range rows {
		out[i] = rows[i].field()
	}
	return out, err
}
