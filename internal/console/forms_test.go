package console_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/console"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// No form of somebody who has signed in is taken, whatever it is about, unless a
// page of their session held it.
func TestL12_EveryFormIsOfItsSession(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	s.enter("ada@example.test")
	s.operate()
	wild, forms := regexp.MustCompile(`\{[a-z]+\}`), 0
	for _, surface := range console.Surfaces(console.Config{URL: "http://127.0.0.1:8080"}) {
		for _, route := range surface.Routes {
			if !route.Form || route.Access == edge.Public {
				continue
			}
			forms++
			path := strings.Replace(route.Pattern, "/console/organizations/{organization}", s.pages(), 1)
			path = wild.ReplaceAllString(path, "01890000-0000-7000-8000-000000000000")
			for _, token := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAA"} {
				s.shows(route.Pattern, s.post(path, url.Values{"form": {token}, "prove-password": {"correct horse battery"}, "name": {"x"}}), 403, "another session")
			}
		}
	}
	if forms < 60 {
		t.Errorf("only %d forms were tried", forms)
	}
}
