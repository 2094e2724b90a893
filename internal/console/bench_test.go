package console

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Pages are parsed when they are first asked for: each can be.
func TestEveryPageIsParsed(t *testing.T) {
	for name, page := range pages() {
		if page().Lookup("document") == nil {
			t.Errorf("%s is no document", name)
		}
	}
}

// BenchmarkKeysRows writes a list of a thousand keys, ten times as many as a page
// has.
func BenchmarkKeysRows(b *testing.B) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	request := &edge.Request{Request: &http.Request{}}
	body := keysPage{Any: true, Used: 1000, Most: 1000, Shown: 1000, Of: 1000, List: listed(request, "API keys", "/console/keys", "state")}
	for i := range 1000 {
		id := uuid.New().String()
		body.Rows = append(body.Rows, row{
			ID: id, Name: fmt.Sprintf("Pipeline <%d>", i), Hint: "bsk_live_a1b2…", Mode: "live", To: "/console/keys/" + id, Access: "3 scopes", Rate: "1,000 a minute",
			Used: &used{"3 min ago", "192.0.2.7", "curl/8", at}, Created: at, Chip: chip{"ok", "dot", "Active"}, Note: "Never expires", State: credential.Active,
			Spark: sparkOf([sparkDays]int64{0, 1, 2, 3, 4, 5, int64(i)}),
		})
	}
	p := page{Title: "API keys", Organization: &store.Membership{Organization: store.Organization{Name: "Acme"}}, User: &store.User{Name: "Ada"}, Body: body}
	page := pages()["keys"]()
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := page.ExecuteTemplate(&out, "document", p); err != nil {
			b.Fatal(err)
		}
	}
}
