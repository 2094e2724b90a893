package console

import (
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// The schemes of the personal tokens that the form makes.
const (
	testkaseToken = "testkase_pat"
	betahubToken  = "betahub_pat"
)

// tokenForm is the form of a new personal token, as it is filled in.
type tokenForm struct {
	To, Back, BackTitle string
	Once                string
	Scheme, Name        string
	Days, Date          string
	Kinds               []choice
	Periods             []choice
	Longest             string // how long a token lives at most by the organization's policy, of each scheme
	Least, Last         string // the days that a date may be
	Required            bool   // whether there must be a date
	Replaces            string // the name of the token whose place it takes
	Problems            []trouble
}

// Problem finds what is wrong with a field.
func (f tokenForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func (c *console) newToken(r *edge.Request, _ edge.None) (edge.Page, error) {
	f := tokenForm{Scheme: r.Param("scheme"), Days: "90"}
	if text := r.Param("from"); text != "" {
		if err := c.likeToken(r, text, &f); err != nil {
			return edge.Page{}, err
		}
	}
	return c.showTokenForm(r, f)
}

// likeToken fills the form in like a token that there was before.
func (c *console) likeToken(r *edge.Request, from string, f *tokenForm) error {
	id, err := uuid.Parse(from)
	if err != nil {
		return credential.InvalidField("from", "must be the id of a token")
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return err
	}
	old := d.Credential
	if old == nil || old.User != r.Principal.Subject {
		return credential.Errorf(credential.NotFound, "no such token")
	}
	f.Scheme, f.Name = old.Scheme.Name, old.Name
	if r.Param("next") != "" {
		f.Replaces, f.Name = old.Name, successor(old.Name)
	}
	for _, l := range lifetimes {
		if !old.ExpiresAt.IsZero() && old.ExpiresAt.Sub(old.CreatedAt).Round(day24) == time.Duration(l.days)*day24 {
			f.Days = strconv.Itoa(l.days)
		}
	}
	return nil
}

// showTokenForm fills in what there is to choose from.
func (c *console) showTokenForm(r *edge.Request, f tokenForm) (edge.Page, error) {
	of, err := c.familyOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	policy, err := c.authority.Policy(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	now := c.authority.Now()
	f.To, f.Back, f.BackTitle = of.Acts, of.Base, of.Title
	if f.Once == "" {
		f.Once = rand.Text()
	}
	if f.Scheme != betahubToken && f.Scheme != testkaseToken {
		if f.Scheme = betahubToken; below(r.URL.Path, base(r)+"/personal") {
			f.Scheme = testkaseToken
		}
	}
	schemes := c.authority.Schemes()
	f.Kinds = chosen(f.Scheme, []choice{
		{Value: betahubToken, Title: "BetaHub", Note: "Begins with pat-. For programs that speak BetaHub’s API. An end is optional.", Full: policy.Withholds(schemes.ByName(betahubToken))},
		{Value: testkaseToken, Title: "TestKase", Note: "Begins with tk_pat_. For programs that speak TestKase’s API, and the reporter. It always ends.", Full: policy.Withholds(schemes.ByName(testkaseToken))},
	})
	longest := policy.Of(schemes.ByName(testkaseToken)).MaxLifetime
	for _, l := range lifetimes {
		span := time.Duration(l.days) * day24
		ends := now.Add(span)
		f.Periods = append(f.Periods, choice{Value: strconv.Itoa(l.days), Title: strconv.Itoa(l.days) + " days", Full: longest > 0 && span > longest,
			Note: l.advice + " Ends " + when(ends) + ". A successor is due from " + day(ends.AddDate(0, 0, -l.lead)) + " on."})
	}
	chosen(f.Days, f.Periods)
	if longest > 0 {
		f.Longest = "This organization lets a TestKase token live for " + credential.SpellSpan(longest) + " at most."
	}
	rule := policy.Of(schemes.ByName(betahubToken))
	f.Least, f.Required = now.UTC().Format(time.DateOnly), rule.ExpiryRequired || rule.MaxLifetime > 0
	if rule.MaxLifetime > 0 {
		f.Last = now.Add(rule.MaxLifetime).UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	out, err := c.render(r, "newtoken", page{Title: "New token", Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// request is what a form asks for.
func (f *tokenForm) request() authority.IssueRequest {
	req := authority.IssueRequest{Scheme: f.Scheme, Name: f.Name}
	switch f.Scheme {
	case testkaseToken:
		days, err := strconv.Atoi(f.Days)
		if err != nil || strconv.Itoa(days) != f.Days || !isLifetime(days) {
			f.Problems = append(f.Problems, trouble{"expires", "Choose one of the six periods: such a token always ends."})
		}
		req.Expiry.In = time.Duration(days) * day24
	case betahubToken:
		req.Expiry = lastDay(f.Date, &f.Problems)
	default:
		f.Problems = append(f.Problems, trouble{"scheme", "Choose whose API the token is for."})
	}
	return req
}

func isLifetime(days int) bool {
	for _, l := range lifetimes {
		if l.days == days {
			return true
		}
	}
	return false
}

// lastDay reads the last day of a credential, which ends with it; none for an
// empty text.
func lastDay(text string, problems *[]trouble) (e credential.ExpiryChoice) {
	if text == "" {
		return e
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		*problems = append(*problems, trouble{"date", "Choose a day, or leave it empty."})
		return e
	}
	e.At = at.AddDate(0, 0, 1)
	return e
}

func (c *console) createToken(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := c.sentOnce(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	form := tokenForm{Once: in["once"], Scheme: in["scheme"], Name: in["name"], Days: in["expires"], Date: in["date"]}
	req := form.request()
	if form.Problems != nil {
		return c.showTokenForm(r, form)
	}
	req.Idempotency = once
	f, err := c.familyOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	made, err := c.authority.Issue(r.Context(), &r.Principal, req)
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if form.Problems = troubles(err); form.Problems != nil {
		for i := range form.Problems {
			if form.Problems[i].Field == "expires" && form.Scheme == betahubToken {
				form.Problems[i].Field = "date"
			}
		}
		return c.showTokenForm(r, form)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.show(r, made, f, "Copy your new token now")
}
