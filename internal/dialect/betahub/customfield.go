package betahub

import (
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// customField is a field that a project adds to its issues.
type customField struct {
	ID             int64    `json:"id"`
	Ident          string   `json:"ident"`
	Name           string   `json:"name"`
	FieldType      string   `json:"field_type"`
	Required       bool     `json:"required"`
	TesterSettable bool     `json:"tester_settable"`
	TesterViewable bool     `json:"tester_viewable"`
	Options        []string `json:"options"`
	AppliesTo      string   `json:"applies_to"`
}

func customFieldOf(f *store.CustomField) customField {
	return customField{f.Number, f.Ident, f.Name, f.Type, f.Required, f.TesterSettable, f.TesterViewable, append([]string{}, f.Options...), f.AppliesTo}
}

type customFieldList struct {
	Fields     []customField `json:"custom_fields"`
	Pagination pagination    `json:"pagination"`
	ProjectID  string        `json:"project_id"`
	AppliesTo  string        `json:"applies_to"`
}

func (h *handlers) listFields(r *edge.Request) (out customFieldList, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	page, size, _, err := page(r, requestsAPage)
	if err != nil {
		return out, err
	}
	of := or(r.Param("applies_to"), "issue")
	list, err := h.workspace.CustomFields(r.Context(), &r.Principal, ref, of)
	if err != nil {
		return out, err
	}
	out = customFieldList{Fields: []customField{}, Pagination: paginated(page, size, len(list)), ProjectID: projectID(ref.Number), AppliesTo: of}
	first := min((page-1)*size, len(list))
	for i := range list[first:min(first+size, len(list))] {
		out.Fields = append(out.Fields, customFieldOf(&list[first+i]))
	}
	return out, nil
}

// issueField is a custom field as whoever reports has to know it.
type issueField struct {
	Ident          string `json:"ident"`
	Name           string `json:"name"`
	FieldType      string `json:"field_type"`
	TesterSettable bool   `json:"tester_settable"`
}

type issueFieldList struct {
	Fields []issueField `json:"custom_issue_fields"`
}

func (h *handlers) listIssueFields(r *edge.Request) (out issueFieldList, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	list, err := h.workspace.CustomFields(r.Context(), &r.Principal, ref, "issue")
	out.Fields = make([]issueField, len(list))
	for i, f := range list {
		out.Fields[i] = issueField{f.Ident, f.Name, f.Type, f.TesterSettable}
	}
	return out, err
}

func (h *handlers) createField(r *edge.Request, body edge.Payload) (out customField, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	in := customField{}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return out, err
		}
	} else {
		f := fields{body.Form, "custom_field"}
		in = customField{Ident: f.text("ident"), Name: f.text("name"), FieldType: f.text("field_type"), Required: f.yes("required"),
			TesterSettable: f.yes("tester_settable"), TesterViewable: f.yes("tester_viewable"), AppliesTo: f.text("applies_to"), Options: body.Form["custom_field[options][]"]}
	}
	made, err := h.workspace.CreateCustomField(r.Context(), &r.Principal, ref, store.CustomField{
		AppliesTo: in.AppliesTo, Ident: in.Ident, Name: in.Name, Type: in.FieldType, Required: in.Required,
		TesterSettable: in.TesterSettable, TesterViewable: in.TesterViewable, Options: in.Options,
	})
	if err != nil {
		return out, err
	}
	return customFieldOf(made), nil
}

func (h *handlers) deleteField(r *edge.Request) (out edge.Nothing, err error) {
	n, err := numberedIn(r, "field")
	if err != nil {
		return out, err
	}
	return out, h.workspace.DeleteCustomField(r.Context(), &r.Principal, n)
}
