package console

import (
	"regexp"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// findPage finds the credential that a fingerprint is of.
type findPage struct {
	Fingerprint string
	Asked       bool
	Found       []foundRow
	Problem     string
}

// foundRow is a credential, with what it is and who holds it.
type foundRow struct {
	row
	Kind, Holder string
	Page         string // of it; empty where it has none
}

// fingerprintForm is how a fingerprint is written: 8 hex digits.
var fingerprintForm = regexp.MustCompile(`^[0-9a-f]{8}$`)

// findSecret answers "which of my tokens is this?" by the fingerprint, which
// tells nothing of the secret. The page's script makes it of a secret that is
// pasted there, and the secret stays in the browser.
func (c *console) findSecret(r *edge.Request, _ edge.None) (edge.Page, error) {
	p := findPage{Fingerprint: strings.ToLower(strings.TrimRight(strings.TrimSpace(r.Param("fingerprint")), ".…"))}
	p.Asked = p.Fingerprint != ""
	if p.Asked && !fingerprintForm.MatchString(p.Fingerprint) {
		p.Problem, p.Fingerprint = "A fingerprint is 8 digits or letters from a to f, such as a1b2c3d4.", ""
	}
	if p.Asked && p.Problem == "" {
		found, err := c.authority.List(r.Context(), &r.Principal, authority.ListRequest{Organization: r.Principal.Organization, Fingerprint: p.Fingerprint, Limit: mostRows})
		if err != nil {
			return edge.Page{}, err
		}
		for i := range found {
			if found[i].Credential != nil {
				row, err := c.foundRow(r, &found[i])
				if err != nil {
					return edge.Page{}, err
				}
				p.Found = append(p.Found, row)
			}
		}
	}
	out, err := c.render(r, "find", page{Title: "Which token is this?", Body: p})
	if p.Problem != "" {
		out.Status = unprocessable
	}
	return out, err
}

// foundRow says what a credential is, and where it is looked after.
func (c *console) foundRow(r *edge.Request, d *authority.Detail) (out foundRow, err error) {
	cred := d.Credential
	out = foundRow{row: c.rowOf(d, base(r)+"/keys"), Kind: strings.ReplaceAll(string(cred.Scheme.Kind), "_", " ")}
	switch cred.Scheme.Owner {
	case credential.OwnedByUser:
		member, err := c.authority.Member(r.Context(), &r.Principal, cred.Organization, authority.UserRef{ID: cred.User})
		if err == nil {
			out.Holder = member.Name + ", " + member.Email
		}
	default:
		out.Holder = "The organization's"
	}
	switch {
	case cred.Scheme.Group() == "bunship" && r.Principal.Role.Manages():
		out.Page = out.To
	case cred.Scheme.Group() == "betatesting" && r.Principal.Role.Manages():
		out.Page = base(r) + "/integrations"
	case cred.User == r.Principal.Subject:
		out.Page = "/console/account/tokens"
	}
	return out, nil
}
