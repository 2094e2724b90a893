package authority

import (
	"context"
	"slices"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// TestO13_KeysOfAnothersNetwork: an issuer on the internet can't have anything
// asked for at a host of a private network, which only that host's own may.
func TestO13_KeysOfAnothersNetwork(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		issuer, keys string
		asked        bool
	}{
		{"https://evil.example.com", "https://gitlab.example.internal:22/keys", false},
		{"https://evil.example.com", "https://GitLab.Example.Internal/keys", false},
		{"https://other.example.internal", "https://gitlab.example.internal/keys", false},
		{"https://gitlab.example.internal", "https://gitlab.example.internal/keys", true},
		{"https://ci.example.com", "https://keys.example.com/keys", true},
	} {
		var asked []string
		i := &issuers{rules: IssuerRules{
			Targets: webhook.Targets{Private: []string{"gitlab.example.internal", "other.example.internal"}},
			Fetch: func(_ context.Context, url string, _ int) ([]byte, error) {
				asked = append(asked, url)
				return []byte(`{"issuer":"` + row.issuer + `","jwks_uri":"` + row.keys + `"}`), nil
			},
		}}
		_, err := i.ask(t.Context(), row.issuer)
		if err == nil || slices.Contains(asked, row.keys) != row.asked {
			t.Errorf("%+v: asked for %q, %v", row, asked, err)
		}
	}
}
