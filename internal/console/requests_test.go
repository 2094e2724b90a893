package console_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// made makes keys, and lets each of them in so often, and refuses it once.
func (s *site) busy(t *testing.T, counts ...int) (keys []string) {
	t.Helper()
	ctx, operator := context.Background(), credential.Operator()
	for i, n := range counts {
		k, err := s.authority.Issue(ctx, &operator, authority.IssueRequest{Organization: s.organization.ID, Scheme: "bunship_live", Name: fmt.Sprintf("Key <%d>", i),
			Scopes: []credential.Scope{"read:members"}})
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			v := authority.Verification{Permission: credential.MembersRead, Charge: authority.Charge{Resource: "GET /orders"}, Address: netip.MustParseAddr("192.0.2.7")}
			if _, err := s.authority.Verify(ctx, k.Secret.Reveal(), v); err != nil {
				t.Fatal(err)
			}
		}
		v := authority.Verification{Permission: credential.WebhooksWrite, Charge: authority.Charge{Resource: "POST /orders"}}
		if _, err := s.authority.Verify(ctx, k.Secret.Reveal(), v); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k.Credential.ID.String())
	}
	if err := s.authority.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	return keys
}

// What credentials were used for, by day, credential, route and outcome: as a
// chart, as tables, and as a file.
func TestRequestsPage(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		requests := s.pages() + "/usage/requests"
		s.shows("before anything", s.get(requests), 200, "Nothing was counted in these days")
		keys := s.busy(t, 40, 30, 20, 10, 5, 2)
		got := s.shows("the page", s.get(requests), 200, "113", "There was none in the 28 days before", "5.3 %", "6 in all", "Key <0>", keys[0], "GET /orders", "POST /orders",
			"All others", "41", "9</td>", time.Now().UTC().Format("Mon 2 Jan 2006"))
		if strings.Contains(got.body, "Key <0>") {
			t.Error("a name is no text")
		}
		if n := strings.Count(got.body, "<rect class=\"s5\" y="); n != 1 {
			t.Errorf("all others have %d pieces of the chart", n)
		}
		s.shows("coins", s.get(requests+"?measure=coins&days=7"), 200, "Coins per day")
		csv := s.shows("the file", s.get(requests+"/export.csv?days=7"), 200, "day,credential,project,resource,outcome,requests,coins", keys[0]+",,GET /orders,ok,40,")
		if strings.Count(csv.body, "\n") != 13 {
			t.Errorf("the file has %d lines", strings.Count(csv.body, "\n"))
		}
		for _, query := range []string{"?days=3", "?days=x", "?measure=money"} {
			s.shows(query, s.get(requests+query), 422, "That didn't work")
		}
		s.shows("a project that isn't there", s.get(requests+"?project=01890000-0000-7000-8000-000000000000"), 422)
	})
}
