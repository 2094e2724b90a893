package console

import (
	"encoding/hex"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostTrace bounds the form that looks for a credential, in bytes.
const mostTrace = 4 << 10

// How many characters of a secret are looked for.
const (
	leastPart = 4
	mostPart  = 12 // beyond the prefix
)

// tracePage is where somebody finds out which credential a text belongs to.
type tracePage struct {
	Asked    string // what was looked for; never a secret
	Rows     []tracedRow
	Problems []trouble
}

// Problem finds what is wrong with a field.
func (p tracePage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// tracedRow is a credential that was found.
type tracedRow struct {
	row
	Kind, Where, Value string
}

func (c *console) findPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showTrace(r, tracePage{})
}

func (c *console) showTrace(r *edge.Request, p tracePage) (edge.Page, error) {
	out, err := c.render(r, "find", page{Title: "Which of my tokens is this?", Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// traceOf reads what somebody knows of a credential, and says what is wrong with
// it. A whole secret is none of it: that is neither looked for nor shown.
func (c *console) traceOf(text string) (t store.Trace, wrong string) {
	const (
		whole = "That is a whole secret, or too much of one. It wasn’t looked for and isn’t kept. Type its fingerprint, or its first and last characters with … between them."
		odd   = "Type a fingerprint of 8 characters, or the first and last characters with … between them, as a list shows them."
	)
	text = strings.TrimSpace(text)
	first, last, cut := strings.Cut(strings.ReplaceAll(text, "...", "…"), "…")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if id, err := uuid.Parse(text); err == nil {
		return store.Trace{ID: id}, ""
	}
	if isPrint(first) && last == "" {
		return store.Trace{Fingerprint: first}, ""
	}
	if c.isClientID(text) {
		return store.Trace{ClientID: text}, ""
	}
	scheme := c.schemeOf(first)
	beyond := len(first)
	if scheme != nil {
		beyond -= len(scheme.Text.Prefix)
	}
	switch {
	case beyond > mostPart, len(last) > mostPart:
		return t, whole
	case strings.Contains(last, "…"), strings.ContainsAny(first+last, " \t\r\n"), !cut && scheme == nil:
		return t, odd
	case scheme != nil && scheme.HintPublic != credential.HintNone:
		return t, "Lists show no characters of such a credential, but its fingerprint. Type that."
	case scheme != nil:
		first, last = first[:min(len(first), len(scheme.Text.Prefix)+scheme.HintFirst)], last[max(0, len(last)-scheme.HintLast):]
	}
	if len(first)+len(last) < leastPart {
		return t, odd
	}
	return store.Trace{First: first, Last: last}, ""
}

// isPrint reports whether a text is a fingerprint.
func isPrint(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == 4 && text == strings.ToLower(text)
}

// isClientID reports whether a text is the public identifier of a client.
func (c *console) isClientID(text string) bool {
	for _, s := range c.authority.Schemes().All() {
		if s.ClientID != nil && s.ClientID.Check(text) {
			return true
		}
	}
	return false
}

// schemeOf is the scheme whose secrets begin like a text; nil for none.
func (c *console) schemeOf(text string) *credential.Scheme {
	for _, s := range c.authority.Schemes().All() {
		if strings.HasPrefix(text, s.Text.Prefix) {
			return s
		}
	}
	return nil
}

// trace answers which credential a text belongs to.
func (c *console) trace(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.sent(r, in); err != nil {
		return edge.Page{}, err
	}
	t, wrong := c.traceOf(in["known"])
	if wrong != "" {
		return c.showTrace(r, tracePage{Problems: []trouble{{"known", wrong}}})
	}
	found, err := c.authority.Trace(r.Context(), &r.Principal, t)
	if err != nil {
		return edge.Page{}, err
	}
	p := tracePage{Asked: strings.TrimSpace(in["known"])}
	for i := range found {
		p.Rows = append(p.Rows, c.tracedRow(r, &found[i]))
	}
	return c.showTrace(r, p)
}

func (c *console) tracedRow(r *edge.Request, t *authority.Traced) tracedRow {
	cred, base := t.Credential, baseOf(t.Organization)
	out := tracedRow{row: c.rowOf(&t.Detail, base), Kind: schemeTitle(cred.Scheme.Name), Where: t.Organization.Name}
	out.Owner, out.To = t.Owner, pageOf(cred, base, t.Role)
	switch {
	case cred.User != uuid.Nil && cred.User == r.Principal.Subject:
		out.Owner = "You"
	case cred.User == uuid.Nil && cred.Project == uuid.Nil:
		out.Owner = "The organization"
	}
	out.Value = "It is the value that works now."
	switch {
	case t.Generation == 0, t.Generation == cred.Generation && out.Inactive:
		out.Value = ""
	case t.Generation != cred.Generation:
		out.Value = "It is a value from before, which a rotation has replaced."
		for _, s := range t.Secrets {
			if s.Generation == t.Generation {
				out.Value = "It is the value from before, which still works until " + when(s.EndsAt) + "."
			}
		}
	}
	return out
}

// pageOf is where a credential is looked after; empty where there is no page.
func pageOf(cred *credential.Credential, base string, role credential.Role) string {
	id := cred.ID.String()
	switch {
	case cred.User != uuid.Nil:
		return base + "/tokens/" + id
	case cred.Project != uuid.Nil && cred.Scheme.Owner == credential.OwnedByProject:
		return base + "/projects/" + cred.Project.String() + "/credentials/" + id
	case cred.Scheme.Group() == "bunship" && role.Manages():
		return base + "/keys/" + id
	case strings.HasPrefix(cred.Scheme.Name, "betatesting_") && role.Manages():
		return base + "/integrations/" + id
	}
	return ""
}
