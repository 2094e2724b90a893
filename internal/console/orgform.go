package console

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// formPage is a page with one form, made of controls.
type formPage struct {
	Title, Text     string
	Back, BackTitle string
	To, Do          string
	Once            string
	Project         *place
	Sections        []formSection
	Asides          []aside
	Problems        []trouble
	ReadOnly        string // why nothing can be changed here; empty where it can
	Tabs            []tab
}

// formSection is a part of a form, under a question.
type formSection struct {
	Title, Text string
	Controls    []control
}

// aside is a note beside a form.
type aside struct{ Title, Text string }

// control is a field of a form: a text, area, select, cards, pills, check,
// events or facts.
type control struct {
	Kind, Name, Label, Value string
	Hint, Place, Unit, Type  string
	Most                     int
	Optional, Checked, Mono  bool
	Choices                  []choice
	Groups                   []checkGroup
	Suggest                  []string
	Problem                  *trouble
	Off                      bool
}

// checkGroup is a set of check boxes under a title.
type checkGroup struct {
	Title   string
	Choices []choice
}

// HintID is that of the element that says more.
func (c control) HintID() string { return c.Name + "-hint" }

// Described names what says more about the control, for who doesn't see it.
func (c control) Described() string {
	var ids []string
	if c.Problem != nil {
		ids = append(ids, c.Problem.ID())
	}
	if c.Hint != "" {
		ids = append(ids, c.HintID())
	}
	return strings.Join(ids, " ")
}

// text is a line to type.
func text(name, label, value, hint string) control {
	return control{Kind: "text", Name: name, Label: label, Value: value, Hint: hint, Most: 100}
}

// ask shows a form, with what is wrong where that is.
func (c *console) ask(r *edge.Request, f formPage) (edge.Page, error) {
	named := []string{}
	for i := range f.Sections {
		for j := range f.Sections[i].Controls {
			one := &f.Sections[i].Controls[j]
			one.Problem, one.Off = problemOf(f.Problems, one.Name), f.ReadOnly != ""
			named = append(named, one.Name)
		}
	}
	for i := range f.Problems {
		if !slices.Contains(named, f.Problems[i].Field) {
			f.Problems[i].Field = ""
		}
	}
	out, err := c.render(r, "orgform", page{Title: f.Title, Body: f, Project: f.Project})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// surePage asks before something is done that can't be undone at once.
type surePage struct {
	Heading         string
	Texts           []string
	Facts           []fact
	Hint            string
	To, Do, Keep    string
	Back, BackTitle string
	Danger          bool
	Typed           string // what has to be typed first; empty for nothing
	What            string // what that is
	Once            string
	Choices         []choice // of how, named how
	Ask             string
	Problems        []trouble
	Project         *place
}

// Problem finds what is wrong with a field.
func (p surePage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

func (c *console) sure(r *edge.Request, p surePage) (edge.Page, error) {
	out, err := c.render(r, "sure", page{Title: p.Do, Body: p, Project: p.Project})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// mistyped is what is wrong where a name had to be typed and wasn't.
func mistyped(in edge.Values, name string) []trouble {
	if strings.TrimSpace(in["typed"]) == name {
		return nil
	}
	return []trouble{{"typed", "Type it exactly as it stands above."}}
}

// pathID reads an id of the path; what is none names nothing that is there.
func pathID(r *edge.Request, name string) (uuid.UUID, error) {
	id, err := authority.ParseID(r.PathValue(name))
	if err != nil {
		return uuid.Nil, credential.Errorf(credential.NotFound, "no such %s", name)
	}
	return id, nil
}

// mend makes troubles of an error, about fields that are called otherwise on the
// page; an error that nobody can mend comes back.
func mend(err error, called map[string]string) ([]trouble, error) {
	if err == nil {
		return nil, nil
	}
	var e *credential.Error
	if !errors.As(err, &e) || e.Kind == credential.NotFound || e.Kind == credential.Forbidden && e.Field == "" {
		return nil, err
	}
	list := troubles(err)
	if list == nil && e.Kind == credential.TooMany {
		list = []trouble{{"", stop(e.Detail)}}
	}
	if list == nil {
		return nil, err
	}
	for i := range list {
		name, _, _ := strings.Cut(e.Field, ".")
		list[i].Field = name
		if label := called[name]; label != "" {
			list[i].Text = stop(said(label, e.Detail))
		}
	}
	return list, nil
}

// said puts a label before a detail that goes on from the name of its field.
func said(label, detail string) string {
	for _, word := range []string{"must ", "may ", "is ", "has ", "are "} {
		if strings.HasPrefix(detail, word) {
			return label + " " + detail
		}
	}
	return detail
}
