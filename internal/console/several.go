package console

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// mostPicked bounds how many keys are acted on at once.
const mostPicked = keyRows

// severalPage asks before something is done to several keys.
type severalPage struct {
	Heading, Text, Do string
	To, Back, Once    string
	Danger            bool
	Graces            []choice
	Picked            []picked
	Problems          []trouble
}

// picked is one of several keys.
type picked struct {
	ID, Name, Mode, Hint, Used string
	Secret                     string // the new one, where it is shown
	Problem                    string // why there is none
}

// picks are the keys that a form names.
func (c *console) picks(r *edge.Request, in edge.Values) (list []picked, err error) {
	found, err := c.listOf(r, mostKeys, "bunship_live", "bunship_test")
	if err != nil {
		return nil, err
	}
	for i := range found {
		if d := &found[i]; in["pick:"+d.Credential.ID.String()] != "" && d.State != credential.Revoked {
			row := c.rowOf(d, base(r)+"/keys")
			p := picked{ID: row.ID, Name: row.Name, Mode: row.Mode, Hint: row.Hint, Used: "Never used"}
			if row.Used != nil {
				p.Used = "Last used " + strings.ToLower(row.Used.Ago[:1]) + row.Used.Ago[1:]
			}
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil, credential.Errorf(credential.BadRequest, "none of the keys that still exist was selected; go back and select some")
	}
	if len(list) > mostPicked {
		return nil, credential.Errorf(credential.BadRequest, "at most %d keys are changed at once", mostPicked)
	}
	return list, nil
}

func (c *console) several(r *edge.Request, in edge.Values) (edge.Page, error) {
	return c.askSeveral(r, in, nil)
}

// askSeveral asks whether several keys are to be changed.
func (c *console) askSeveral(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	list, err := c.picks(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	p := severalPage{Back: base(r) + "/keys", Once: rand.Text(), Picked: list, Problems: problems}
	of := "1 key"
	if len(list) > 1 {
		of = grouped(int64(len(list))) + " keys"
	}
	switch in["act"] {
	case "revoke":
		p.Heading, p.Do, p.Danger, p.To = "Revoke "+of+"?", "Revoke "+of, true, base(r)+"/keys/several/revoke"
		p.Text = "Requests with any of them get 401 right away, and so do access tokens that were made from one. This can't be taken back."
	case "rotate":
		p.Heading, p.Do, p.To, p.Graces = "Rotate "+of, "Rotate "+of, base(r)+"/keys/several/rotate", graces()
		p.Text = "Each gets a new value, shown once on the next page, and keeps its name, scopes and history."
	default:
		return edge.Page{}, credential.InvalidField("act", "must be revoke or rotate")
	}
	out, err := c.render(r, "several", page{Title: p.Do, Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) revokeSeveral(r *edge.Request, in edge.Values) (edge.Page, error) {
	list, err := c.picks(r, in)
	if errors.Is(err, credential.BadRequest) { // sent again: they are revoked
		return c.done(r, base(r)+"/keys", "keys-revoked")
	}
	if err != nil {
		return edge.Page{}, err
	}
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		if ids[i], err = uuid.Parse(list[i].ID); err != nil {
			return edge.Page{}, err
		}
	}
	if _, err := c.authority.RevokeMany(r.Context(), &r.Principal, ids, true); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/keys", "keys-revoked")
}

// rotateSeveral gives each key a new secret and shows all of them, once. Where
// one can't be rotated, the others are.
func (c *console) rotateSeveral(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	grace, err := time.ParseDuration(in["grace"])
	if err != nil {
		in["act"] = "rotate"
		return c.askSeveral(r, in, []trouble{{"grace", "Choose how long the values that work now go on working."}})
	}
	list, err := c.picks(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	for i := range list {
		id, err := uuid.Parse(list[i].ID)
		if err != nil {
			return edge.Page{}, err
		}
		each := *once
		each.Key += " " + list[i].ID
		made, err := c.authority.Rotate(r.Context(), &r.Principal, id, authority.RotateRequest{Grace: grace, Idempotency: &each})
		switch {
		case err == nil:
			list[i].Secret = made.Secret.Reveal()
		case errors.Is(err, authority.ErrDone):
			list[i].Problem = "Its new value was shown before, and isn't again."
		case troubles(err) != nil:
			list[i].Problem = troubles(err)[0].Text
		case slices.ContainsFunc(list[:i], func(p picked) bool { return p.Secret != "" }):
			list[i].Problem = "The server couldn't do it. Rotate this key by itself."
		default:
			return edge.Page{}, err
		}
	}
	if !slices.ContainsFunc(list, func(p picked) bool { return p.Secret != "" || !strings.HasPrefix(p.Problem, "Its new value") }) {
		return c.moveTo(r, base(r)+"/keys")
	}
	return c.render(r, "secrets", page{Title: "Copy the new values now", Body: severalPage{Picked: list, Back: base(r) + "/keys"}})
}
