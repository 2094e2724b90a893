package workspace

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// What custom fields apply to, and what may stand in them.
var (
	appliesTo  = []string{"issue", FeatureRequest}
	fieldTypes = []string{"text", "number", "boolean", "select"}
)

// Bounds of custom fields.
const (
	mostFields  = 50 // of a project, for issues and for feature requests
	mostOptions = 100
)

// ident is how an issue names a field.
var ident = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// AppliesTo is what the fields of issues of a category apply to.
func AppliesTo(category string) string {
	if category == FeatureRequest {
		return FeatureRequest
	}
	return "issue"
}

// CreateCustomField adds a field to the issues of a project. Those that there
// are keep what they have.
func (w *Workspace) CreateCustomField(ctx context.Context, p *credential.Principal, project store.ProjectRef, f store.CustomField) (*store.CustomField, error) {
	err := w.change(ctx, p, want{project, credential.ProjectsWrite}, func(c *change) (err error) {
		if err := checkField(&f); err != nil {
			return err
		}
		have, err := c.CustomFields(ctx, c.project.ID, f.AppliesTo, mostFields)
		switch {
		case err != nil:
			return err
		case len(have) == mostFields:
			return credential.Errorf(credential.LimitReached, "a project has at most %d such fields", mostFields)
		}
		if f.ID, err = w.newID(); err != nil {
			return err
		}
		f.Project, f.MadeBy, f.CreatedAt = c.project.ID, c.madeBy(), c.at
		if err := c.InsertCustomField(ctx, &f); err != nil {
			return err
		}
		c.recordField("custom_field.create", &f)
		return nil
	})
	return &f, err
}

// recordField adds the event about a field.
func (c *change) recordField(action string, f *store.CustomField) {
	c.record(action, "custom_field:"+f.ID.String(), map[string]any{"project": f.Project, "number": f.Number, "ident": f.Ident})
}

// checkField looks over a new field.
func checkField(f *store.CustomField) (err error) {
	if f.AppliesTo, err = oneOf("applies_to", or(f.AppliesTo, appliesTo[0]), appliesTo); err != nil {
		return err
	}
	if f.Type, err = oneOf("field_type", or(f.Type, fieldTypes[0]), fieldTypes); err != nil {
		return err
	}
	if !ident.MatchString(f.Ident) {
		return credential.InvalidField("ident", "must have letters, digits, and _ . - between them")
	}
	if f.Name, err = credential.CheckName("name", or(f.Name, f.Ident)); err != nil {
		return err
	}
	if choice := f.Type == "select"; choice != (len(f.Options) > 0) || len(f.Options) > mostOptions {
		return credential.InvalidField("options", "a select has 1 to %d of them, and nothing else has any", mostOptions)
	}
	for i, option := range f.Options {
		if f.Options[i], err = credential.CheckName("options", option); err != nil {
			return err
		}
	}
	return nil
}

// DeleteCustomField takes a field away. What issues have in it stays.
func (w *Workspace) DeleteCustomField(ctx context.Context, p *credential.Principal, n Numbered) error {
	return w.change(ctx, p, want{n.Project, credential.ProjectsWrite}, func(c *change) error {
		f, err := c.CustomField(ctx, c.project.ID, n.Number)
		if err != nil {
			return err
		}
		c.recordField("custom_field.delete", f)
		return c.Tx.DeleteCustomField(ctx, f.ID)
	})
}

// CustomFields lists the fields of a project that apply to something. Whoever
// reports has to know them.
func (w *Workspace) CustomFields(ctx context.Context, p *credential.Principal, ref store.ProjectRef, of string) ([]store.CustomField, error) {
	if err := w.MayCreateIssue(ctx, p, ref); err != nil {
		if _, err = w.Project(ctx, p, ref, credential.IssuesRead); err != nil {
			return nil, err
		}
	}
	project, err := w.Project(ctx, p, ref, anything)
	if err != nil {
		return nil, err
	}
	if of, err = oneOf("applies_to", of, appliesTo); err != nil {
		return nil, err
	}
	return w.store.CustomFields(ctx, project.ID, of, mostFields)
}

// checkCustom looks over what a new issue has in the fields of its project.
// What it has beside them is its own.
func checkCustom(ctx context.Context, c *change, category string, values map[string]string) error {
	fields, err := c.CustomFields(ctx, c.project.ID, AppliesTo(category), mostFields)
	if err != nil {
		return err
	}
	for _, f := range fields {
		value, there := values[f.Ident]
		name := "custom." + f.Ident
		switch {
		case !there && f.Required && (f.TesterSettable || c.by.ProjectScoped() == uuid.Nil):
			return credential.InvalidField(name, "must not be left out")
		case !there:
			continue
		case !f.TesterSettable && c.by.ProjectScoped() != uuid.Nil:
			return credential.InvalidField(name, "is not for reports by a project's token")
		case !fits(&f, value):
			return credential.InvalidField(name, "must be %s", strings.TrimSpace("of the type "+f.Type+" "+strings.Join(f.Options, ", ")))
		}
	}
	return nil
}

// fits reports whether a value may stand in a field.
func fits(f *store.CustomField, value string) bool {
	switch f.Type {
	case "number":
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case "boolean":
		return value == "true" || value == "false"
	case "select":
		for chosen := range strings.SplitSeq(value, ", ") { // of which a form may have several
			if !slices.Contains(f.Options, chosen) {
				return false
			}
		}
	}
	return true
}
