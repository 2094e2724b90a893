package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// The fields by which somebody proves who they are, in a form that asks.
const (
	provePassword = "prove-password"
	proveCode     = "prove-code"
)

// provePage asks who somebody is before a form is done, and keeps what that says.
type provePage struct {
	To, Back string
	Kept     []pair
	Code     bool   // whether the user has a second factor
	Password bool   // whether the user has one
	By       string // the organization whose provider can say who it is; empty for none
	Problem  string
}

// pair is a field of a form that its page doesn't show.
type pair struct{ Name, Value string }

// action is what a form does.
type action func(*edge.Request, edge.Values) (edge.Page, error)

// guarded is a form whose outcome outlives the session: it is done for those
// alone who proved lately who they are. Others are asked first, and what they
// have filled in is kept. It checks that a page of the session held the form.
func (c *console) guarded(do action) action {
	return func(r *edge.Request, in edge.Values) (edge.Page, error) {
		if err := c.sent(r, in); err != nil {
			return edge.Page{}, err
		}
		with := authority.Proof{Password: in[provePassword], Code: in[proveCode]}
		delete(in, provePassword)
		delete(in, proveCode)
		if with == (authority.Proof{}) {
			lately, err := c.authority.ProvenLately(r.Context(), &r.Principal)
			if err != nil {
				return edge.Page{}, err
			}
			if !lately {
				return c.askProof(r, in, "")
			}
			return do(r, in)
		}
		err := c.authority.ProveAgain(r.Context(), &r.Principal, with)
		if wrong := wrongProof(err); wrong != "" {
			return c.askProof(r, in, wrong)
		}
		if err != nil {
			return edge.Page{}, err
		}
		return do(r, in)
	}
}

// sentAnd is a form that a page of the session held, and nothing more: what ends
// something needs no proof.
func (c *console) sentAnd(do action) action {
	return func(r *edge.Request, in edge.Values) (edge.Page, error) {
		if err := c.sent(r, in); err != nil {
			return edge.Page{}, err
		}
		return do(r, in)
	}
}

// wrongProof says why a proof is none; empty for any other error.
func wrongProof(err error) string {
	var e *credential.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch {
	case e.Detail == authority.WrongPassword:
		return "That isn't your password."
	case e.Kind == credential.CodeWrong:
		return "That code doesn't match, or was used before. Codes change every 30 seconds."
	case e.Kind == credential.Unauthenticated, e.Kind == credential.TooMany, e.Kind == credential.Invalid:
		return stop(e.Detail)
	}
	return ""
}

func (c *console) askProof(r *edge.Request, in edge.Values, wrong string) (edge.Page, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	by, err := c.authority.ProvesBy(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := provePage{To: r.URL.Path, Back: ours(in["back"]), Code: user.TwoFactor, Password: user.HasPassword, Problem: wrong}
	if by != nil {
		p.By = by.Name
	}
	for name, value := range in {
		if name == "form" || strings.HasPrefix(name, "password") {
			continue
		}
		if strings.HasPrefix(name, "secret-") { // which no page shows
			if value, err = c.authority.SealForm(&r.Principal, value); err != nil {
				return edge.Page{}, err
			}
		}
		p.Kept = append(p.Kept, pair{name, value})
	}
	slices.SortFunc(p.Kept, func(a, b pair) int { return strings.Compare(a.Name, b.Name) })
	out, err := c.render(r, "prove", page{Title: "Confirm that it's you", Body: p})
	if wrong != "" {
		out.Status = http.StatusUnprocessableEntity
	}
	return out, err
}

// bodyOf is what a form says, whatever asked for proof meanwhile: the same for
// one that is sent again.
func bodyOf(in edge.Values) []byte {
	all := url.Values{}
	for name, value := range in {
		if name != "form" { // which each page masks anew
			all.Set(name, value)
		}
	}
	return []byte(all.Encode())
}
