package console

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// credentialPage is the operator's page of a credential, with the form of its
// limits.
type credentialPage struct {
	Edit         keyEdit
	Organization string // its name
	Back         string
	Scheme       string
	Belongs      string
	Requests     string
	CreatedBy    string
	ClientID     string
	Notice       *notice
}

// operatedCredential finds the credential that the path names.
func (c *console) operatedCredential(r *edge.Request) (*authority.Detail, error) {
	missing := credential.Errorf(credential.NotFound, "no such credential")
	organization, err := organizationIn(r)
	if err != nil {
		return nil, err
	}
	id, err := authority.ParseID(r.PathValue("credential"))
	if err != nil {
		return nil, missing
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return nil, err
	}
	if d.Credential == nil || d.Credential.Organization != organization {
		return nil, missing
	}
	return d, nil
}

func (c *console) oneCredential(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, err := c.operatedCredential(r)
	if err != nil {
		return edge.Page{}, err
	}
	e := filledEdit(d.Credential)
	return c.showCredential(r, &e, d)
}

func (c *console) showCredential(r *edge.Request, e *keyEdit, d *authority.Detail) (edge.Page, error) {
	cred := d.Credential
	o, err := c.authority.Organization(r.Context(), &r.Principal, cred.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	e.describe(&r.Principal, cred)
	e.Row, e.Word = c.rowOf(d, operated(o.ID)+"/credentials"), "credential"
	p := credentialPage{
		Edit: *e, Organization: o.Name, Back: operated(o.ID), Scheme: cred.Scheme.Name, Belongs: "The organization", Requests: grouped(d.Use.Requests),
		CreatedBy: nameless(cred.CreatedBy), ClientID: cred.ClientID, Notice: operatorNotice(&e.Row, o.SuspendedAt),
	}
	switch {
	case cred.User != uuid.Nil:
		p.Belongs = "A user"
	case cred.Project != uuid.Nil:
		p.Belongs = "A project"
	}
	out, err := c.renderOperator(r, "operatorcred", page{Title: cred.Name, Body: p})
	if e.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// operatorNotice says what the operator should know of a credential; nil for
// nothing.
func operatorNotice(r *row, suspended time.Time) *notice {
	switch {
	case r.State == credential.Revoked:
		return &notice{"", "ban", "Revoked.", "Requests with it get 401, for good."}
	case r.State == credential.Expired:
		return &notice{"", "clock", "Expired.", "Requests with it get 401 since " + when(r.Expires) + ". Its organization makes a new one."}
	case !suspended.IsZero():
		return &notice{"warn", "pause", "Its organization is suspended.", "Requests with it are refused until the organization is resumed."}
	case r.State == credential.Suspended:
		return &notice{"warn", "pause", "Suspended.", "Requests with it are refused until its organization resumes it."}
	}
	return nil
}

// limitCredential sets until when, from where and how often a credential works.
func (c *console) limitCredential(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, err := c.operatedCredential(r)
	if err != nil {
		return edge.Page{}, err
	}
	e := keyEdit{Rate: in["rate"], Addresses: in["addresses"], Until: in["until"]}
	e.describe(&r.Principal, d.Credential)
	if err := c.saveEdit(r, &e, d, in["anyway"] != ""); err != nil {
		return edge.Page{}, err
	}
	if e.Problems != nil {
		return c.showCredential(r, &e, d)
	}
	return c.done(r, r.URL.Path, "saved")
}

func (c *console) askEnd(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, err := c.operatedCredential(r)
	if err != nil {
		return edge.Page{}, err
	}
	back := operated(d.Credential.Organization) + "/credentials"
	p := c.asking(d, family{Base: back + "/" + d.Credential.ID.String(), Title: d.Credential.Name})
	p.Heading = "Revoke " + d.Credential.Name + "?"
	p.Text = "Requests with it get 401 right away, and so do access tokens that were made from it. This can't be taken back."
	p.Hint = "The organization isn't told. It sees in its audit log that the operator did it."
	p.To, p.Do, p.Danger, p.Keep = r.URL.Path, "Revoke credential", true, "Keep credential"
	return c.renderOperator(r, "confirm", page{Title: p.Do, Body: p})
}

func (c *console) endCredential(r *edge.Request, _ edge.Values) (edge.Page, error) {
	d, err := c.operatedCredential(r)
	if err != nil {
		return edge.Page{}, err
	}
	if _, err := c.authority.Revoke(r.Context(), &r.Principal, d.Credential.ID); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, operated(d.Credential.Organization), "revoked")
}
