package console

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// How many keys are revoked at once, and how many rotated: their values are on
// one page.
const (
	mostRevoked = keyRows
	mostRotated = 20
)

// pickedKeys are the keys that a form chose, the last made first.
func (c *console) pickedKeys(r *edge.Request, in edge.Values, limit int) ([]*authority.Detail, family, error) {
	if err := manages(r); err != nil {
		return nil, family{}, err
	}
	f, err := c.familyOf(r)
	if err != nil {
		return nil, f, err
	}
	ids, err := idsOf(in, limit)
	if err != nil {
		return nil, f, err
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(b[:], a[:]) })
	list := make([]*authority.Detail, 0, len(ids))
	for _, id := range ids {
		d, err := c.authority.Get(r.Context(), &r.Principal, id)
		if err != nil {
			return nil, f, err
		}
		if d.Credential == nil || !f.has(d.Credential) {
			return nil, f, credential.Errorf(credential.NotFound, "no such key")
		}
		list = append(list, d)
	}
	return list, f, nil
}

// askBulk asks before several keys are revoked or rotated.
func (c *console) askBulk(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.sent(r, in); err != nil {
		return edge.Page{}, err
	}
	limit := mostRevoked
	if in["do"] == "rotate" {
		limit = mostRotated
	}
	list, f, err := c.pickedKeys(r, in, limit)
	if err != nil {
		return edge.Page{}, err
	}
	p := confirmPage{Back: f.Base, BackTitle: f.Title, Keep: "Cancel"}
	for _, d := range list {
		row := c.rowIn(r, d, &f)
		last := "never used"
		if row.Used != nil {
			last = "last used " + row.Used.Ago
			p.Hot = p.Hot || c.authority.Now().Sub(row.Used.At) < 24*time.Hour
		}
		p.Facts = append(p.Facts, fact{Title: row.Name, Text: row.Hint + ", " + last})
		p.Kept = append(p.Kept, pair{"pick:" + row.ID, "on"})
	}
	count := fmt.Sprintf("%d keys", len(list))
	if len(list) == 1 {
		count = "1 key"
	}
	switch in["do"] {
	case "revoke":
		p.Heading, p.Text = "Revoke "+count+"?", "Requests with any of them get 401 right away. This can't be taken back."
		p.To, p.Do, p.Danger = f.Acts+"/bulk-revoke", "Revoke "+count, true
	case "rotate":
		p.Heading, p.Text = "Rotate "+count, "Each gets a new value. The next page shows all of them, once."
		p.To, p.Do, p.Graces, p.Once = f.Acts+"/bulk-rotate", "Rotate "+count, graces(), rand.Text()
	default:
		return edge.Page{}, credential.InvalidField("do", "must be revoke or rotate")
	}
	return c.render(r, "confirm", page{Title: p.Do, Body: p})
}

func (c *console) bulkRevoke(r *edge.Request, in edge.Values) (edge.Page, error) {
	err := c.sent(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	list, f, err := c.pickedKeys(r, in, mostRevoked)
	if err != nil {
		return edge.Page{}, err
	}
	ids := make([]uuid.UUID, len(list))
	for i, d := range list {
		ids[i] = d.Credential.ID
	}
	if _, err := c.authority.RevokeMany(r.Context(), &r.Principal, ids, false); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, f.Base, f.deed)
}

// secretsPage shows several secrets, once.
type secretsPage struct {
	Heading, Back, File string
	Rows                []shownSecret
	Failed              []fact // those that have no new value, and why
}

// shownSecret is one of them.
type shownSecret struct{ ID, Name, Mode, Variable, Secret string }

// bulkRotate gives several keys new values. A form that is sent again changes
// nothing more, and shows none of them again.
func (c *console) bulkRotate(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := c.sentOnce(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	grace, err := time.ParseDuration(in["grace"])
	if err != nil {
		return edge.Page{}, credential.InvalidField("grace", "choose how long the values that work now go on working")
	}
	list, f, err := c.pickedKeys(r, in, mostRotated)
	if err != nil {
		return edge.Page{}, err
	}
	p := secretsPage{Heading: "Copy the new values now", Back: f.Base, File: "gatehouse-keys.env"}
	var done []fact
	used := map[string]bool{}
	for _, d := range list {
		made, err := c.authority.Rotate(r.Context(), &r.Principal, d.Credential.ID, authority.RotateRequest{
			Grace: grace, Idempotency: &authority.Idempotency{Key: once.Key, Body: once.Body, Once: true},
		})
		why := troubles(err)
		switch {
		case errors.Is(err, authority.ErrDone):
			done = append(done, fact{Title: d.Credential.Name, Text: "It was rotated before; its new value was shown then."})
		case why != nil:
			p.Failed = append(p.Failed, fact{Title: d.Credential.Name, Text: why[0].Text})
		case err != nil && len(p.Rows) == 0:
			return edge.Page{}, err
		case err != nil: // those before are shown, for nothing else shows them
			p.Failed = append(p.Failed, fact{Title: d.Credential.Name, Text: "The server failed. Its value is as it was."})
		default:
			p.Rows = append(p.Rows, shownSecret{fmt.Sprintf("secret-%d", len(p.Rows)+1), d.Credential.Name, d.Credential.Scheme.Mode,
				variableOf(d.Credential.Name, used), made.Secret.Reveal()})
		}
	}
	if done != nil && p.Rows == nil && p.Failed == nil {
		return c.moveTo(r, f.Base)
	}
	p.Failed = append(p.Failed, done...)
	out, err := c.render(r, "secrets", page{Title: p.Heading, Body: p})
	if len(p.Rows) == 0 {
		out.Status = unprocessable
	}
	return out, err
}

// variableOf is the name of an environment variable for a key, unlike those
// that are used already.
func variableOf(name string, used map[string]bool) string {
	var out []byte
	for _, ch := range []byte(name) {
		switch {
		case ch >= 'a' && ch <= 'z':
			out = append(out, ch-'a'+'A')
		case ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9' && len(out) > 0:
			out = append(out, ch)
		case len(out) > 0 && out[len(out)-1] != '_':
			out = append(out, '_')
		}
	}
	text := string(bytes.Trim(out, "_"))
	if text == "" {
		text = "KEY"
	}
	if len(text) > 60 {
		text = text[:60]
	}
	free := text
	for n := 2; used[free]; n++ {
		free = fmt.Sprintf("%s_%d", text, n)
	}
	used[free] = true
	return free
}
