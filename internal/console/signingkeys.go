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
}

type signingRow struct {
	ID, Algorithm string
	Chip          chip
	From, Until   string
	Made          time.Time
}

func (c *console) signingKeys(r *edge.Request, _ edge.None) (edge.Page, error) {
	keys, err := c.authority.PublishedKeys(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := signingPage{
		Keys: copyable{"jwks", c.authority.Issuer() + "/oauth2/jwks", "Address of the keys", ""}, Issuer: copyable{"issuer", c.authority.Issuer(), "Issuer", ""},
		Metadata: copyable{"metadata", c.authority.Issuer() + "/.well-known/oauth-authorization-server", "Address of the metadata", ""},
	}
	for i := range keys {
		p.Rows = append(p.Rows, signingRowOf(&keys[i]))
	}
	return c.render(r, "signingkeys", page{Title: "Signing keys", Body: p})
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
