package console

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// signingPage shows the keys that verify access tokens.
type signingPage struct {
	Rows                   []signingRow
	Keys, Metadata, Issuer copyable
	Problems               []trouble
}

type signingRow struct {
	ID, Algorithm string
	Chip          chip
	From, Until   string
	Made          time.Time
}

func (c *console) signingKeys(r *edge.Request, _ edge.None) (edge.Page, error) {
	p, err := c.signingPageOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "signingkeys", page{Title: "Signing keys", Body: p})
}

func (c *console) signingPageOf(r *edge.Request) (p signingPage, err error) {
	keys, err := c.authority.PublishedKeys(r.Context(), &r.Principal)
	if err != nil {
		return p, err
	}
	p = signingPage{
		Keys: copyable{"jwks", c.authority.Issuer() + "/oauth2/jwks", "Address of the keys", ""}, Issuer: copyable{"issuer", c.authority.Issuer(), "Issuer", ""},
		Metadata: copyable{"metadata", c.authority.Issuer() + "/.well-known/oauth-authorization-server", "Address of the metadata", ""},
	}
	for i := range keys {
		p.Rows = append(p.Rows, signingRowOf(&keys[i]))
	}
	return p, nil
}

func (c *console) operatorSigningKeys(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showOperatorKeys(r, nil)
}

func (c *console) showOperatorKeys(r *edge.Request, problems []trouble) (edge.Page, error) {
	p, err := c.signingPageOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	p.Problems = problems
	out, err := c.renderOperator(r, "signingkeys", page{Title: "Signing keys", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// askReplace asks before a key signs that not everybody knows yet.
func (c *console) askReplace(r *edge.Request, _ edge.None) (edge.Page, error) {
	const back = toOperator + "/signing-keys"
	return c.renderOperator(r, "confirm", page{Title: "Sign with a new key now", Body: confirmPage{
		Heading: "Sign with a new key now?", Back: back, BackTitle: "Signing keys", To: back, Do: "Sign with it now", Keep: "Cancel", Danger: true, Once: "now",
		Text: "For when a key has leaked. A service that keeps the keys for a while may refuse new tokens for five minutes. What the keys before have signed goes on working until it expires, for 65 minutes at most: devices that somebody let act for them ask again.",
		Hint: "A key that waits to sign is removed.",
	}})
}

// rotateSigningKeys makes a new key, which signs at once where that was asked about.
func (c *console) rotateSigningKeys(r *edge.Request, in edge.Values) (edge.Page, error) {
	_, err := c.authority.RotateSigningKeys(r.Context(), &r.Principal, in["once"] == "now")
	if problems := troubles(err); problems != nil {
		return c.showOperatorKeys(r, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, toOperator+"/signing-keys", "rotated")
}

func signingRowOf(k *authority.SigningKey) signingRow {
	row := signingRow{ID: k.ID, Algorithm: k.Algorithm, Made: k.CreatedAt, From: when(k.SignsFrom), Until: "Until it is replaced"}
	if !k.VerifiesUntil.IsZero() {
		row.Until = when(k.VerifiesUntil)
	}
	switch k.State {
	case "next":
		row.Chip = chip{"info", "clock", "Next"}
	case "current":
		row.Chip = chip{"ok", "dot", "Signs"}
	default:
		row.Chip = chip{"", "pause", "Verifies only"}
	}
	return row
}
