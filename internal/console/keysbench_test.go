package console_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// BenchmarkKeysPage asks for the page of API keys of an organization that has
// had a thousand, most of them revoked, which shows as many as a page has.
func BenchmarkKeysPage(b *testing.B) {
	s := run(b, storetest.SQLite(b), "http://127.0.0.1:8080")
	operator := credential.Operator()
	for i := range 1000 {
		made, err := s.authority.Issue(b.Context(), &operator, authority.IssueRequest{
			Scheme: "bunship_live", Name: fmt.Sprint("Pipeline ", i), Scopes: []credential.Scope{"read:members"}, Organization: s.organization.ID,
		})
		if err == nil && i < 995 {
			_, err = s.authority.Revoke(b.Context(), &operator, made.Credential.ID)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	s.enter("ada@example.test")
	for b.Loop() {
		if got := s.get(s.pages() + "/keys"); got.status != 200 {
			b.Fatal(got.status)
		}
	}
}
