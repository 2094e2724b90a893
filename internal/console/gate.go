package console

import (
	"net/http"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// showGate writes a page that takes everybody.
func (c *console) showGate(r *edge.Request, p gatePage) (edge.Page, error) {
	status := 0
	if p.Problems != nil {
		status = http.StatusUnprocessableEntity
	}
	return c.execute(r.Request, "gateform", status, page{Title: p.Heading, Form: p.Form, Body: p})
}

// gatePage is a page that takes everybody: a form, or (without To) some words.
type gatePage struct {
	Heading, Text string
	Notice        string // stands out
	Command       string // what somebody types into a shell
	To, Do        string // where the form leads, and its button
	Hidden        []pair
	Inputs        []input
	Problems      []trouble
	Links         []link // below
	Form          string // the token of who has signed in
}

// input is a field of a form, with what is wrong with it.
type input struct {
	Name, Label, Kind, Value string
	Complete                 string // what a browser may fill in
	Hint                     string
	Fragment                 string // what it is called behind the # of a link
	Most                     int
	Mono, Focus              bool
	Problem                  *trouble
}

// with gives each field what was typed into it, but for passwords, and what is
// wrong with it.
func (p gatePage) with(in edge.Values, problems []trouble) gatePage {
	p.Problems = problems
	for i := range p.Inputs {
		f := &p.Inputs[i]
		if f.Kind != "password" && in[f.Name] != "" {
			f.Value = in[f.Name]
		}
		f.Problem = problemOf(problems, f.Name)
		f.Focus = f.Focus && problems == nil
	}
	return p
}

// The fields that several forms have.
func addressField() input {
	return input{Name: "email", Label: "E-mail address", Kind: "email", Complete: "username", Most: 254}
}

func (c *console) newPasswordField() input {
	return input{Name: "password", Label: "New password", Kind: "password", Complete: "new-password", Most: 1024, Hint: c.advice(nil)}
}

func nameField() input {
	return input{Name: "name", Label: "Your name", Kind: "text", Complete: "name", Most: 100}
}
