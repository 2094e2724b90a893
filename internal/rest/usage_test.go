package rest_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// flush stores what was counted.
func (w *world) flush(t *testing.T) {
	t.Helper()
	if err := w.authority.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// verifyFor has a service verify a caller's secret for a resource.
func (w *world) verifyFor(t *testing.T, name, resource string) {
	t.Helper()
	secret := w.secrets[name]
	if _, err := w.as("key").Verify(t.Context(), api.Verify{Credential: &secret, Resource: resource}); err != nil {
		t.Fatalf("%q: %v", resource, err)
	}
}

// What a service asks about and what is called here is counted, each by its
// outcome, and told page by page.
func TestUsage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		for range 3 {
			w.verifyFor(t, "live", "POST /orders")
		}
		w.do(t, request{method: "GET", path: "/v1/self", as: "live"})
		w.do(t, request{method: "GET", path: "/v1/credentials/nothing", as: "live"})
		w.do(t, request{method: "GET", path: "/v1/organizations/" + w.acme.ID + "/projects?limit=0", as: "live"})
		w.flush(t)
		of := client.UsageFilter{Credential: w.records["live"].ID}
		u, err := w.as("owner").Usage().Report(t.Context(), of, client.UsagePage{By: []string{"resource", "outcome"}})
		if err != nil {
			t.Fatal(err)
		}
		want := []api.UsageRow{
			{Resource: "GET /v1/credentials/{id}", Outcome: "insufficient_scope", Requests: 1}, {Resource: "GET /v1/organizations/{organization}/projects", Outcome: "4xx", Requests: 1},
			{Resource: "GET /v1/self", Outcome: "2xx", Requests: 1}, {Resource: "POST /orders", Outcome: "ok", Requests: 3},
		}
		today := time.Now().UTC().Format(time.DateOnly)
		if diff := cmp.Diff(want, u.Items); diff != "" || u.Requests != 6 || u.NextCursor != "" || u.To < today {
			t.Errorf("got %+v\n%s", u, diff)
		}
		var paged []api.UsageRow
		for p := (client.UsagePage{By: []string{"resource", "outcome"}, Limit: 1}); ; {
			page, err := w.as("owner").Usage().Report(t.Context(), of, p)
			if err != nil || page.Requests != 6 {
				t.Fatalf("got %+v, %v", page, err)
			}
			paged = append(paged, page.Items...)
			if p.Cursor = page.NextCursor; p.Cursor == "" {
				break
			}
			if _, err := w.as("admin").Usage().Report(t.Context(), of, p); err == nil {
				t.Error("somebody else's cursor works")
			}
		}
		if diff := cmp.Diff(want, paged); diff != "" {
			t.Error(diff)
		}
		verifies, err := w.operator.Usage().Report(t.Context(), client.UsageFilter{Organization: w.acme.ID, Resource: "POST /v1/verify"}, client.UsagePage{By: []string{"credential"}})
		if err != nil || len(verifies.Items) != 1 || verifies.Items[0].Credential != w.records["key"].ID || verifies.Requests != 3 {
			t.Errorf("who verified: got %+v, %v", verifies, err)
		}
		for query, field := range map[string]string{
			"by=week": "by", "by=day,day": "by", "by=day,project,outcome": "by", "by=": "by", "from=yesterday": "from", "to=2026-13-01": "to", "from=2020-01-01": "from",
			"to=2020-01-01&from=2020-01-02": "to", "credential_id=x": "credential_id", "project=x": "project", "limit=0": "limit", "limit=201": "limit", "cursor=x": "cursor", "organization=x": "organization", "user=x": "user",
			"from=-001-01-01": "from", "from=1969-12-31&to=1970-01-01": "from",
		} {
			if a := w.do(t, request{method: "GET", path: "/v1/usage?" + query, as: "owner"}); a.status/100 != 4 || a.problem(t).Field != field {
				t.Errorf("%s: got %d %s", query, a.status, a.body)
			}
		}
		for path, status := range map[string]int{"/v1/usage?from=2020-01-01&to=2021-02-03": 200, "/v1/usage/export?from=2020-01-01&to=2020-04-01": 200, "/v1/usage/export?from=2020-01-01&to=2020-04-02": 422,
			"/v1/usage/spends/export?from=2020-01-01&to=2020-04-01": 200, "/v1/usage/spends/export?from=2020-01-01&to=2020-04-02": 422, "/v1/usage/spends?from=2020-01-01&to=2021-02-05": 422} {
			if a := w.do(t, request{method: "GET", path: path, as: "owner"}); a.status != status {
				t.Errorf("%s: got %d %s, want %d", path, a.status, a.body, status)
			}
		}
	})
}

// table reads an exported file.
func (w *world) table(t *testing.T, as, path string) [][]string {
	t.Helper()
	a := w.do(t, request{method: "GET", path: path, as: as})
	rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	if err != nil || a.status != 200 || a.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; filename=") {
		t.Fatalf("%s: got %d %v %.200s: %v", path, a.status, a.header, a.body, err)
	}
	return rows
}

// An exported table holds everything, and no cell of it is a formula, whatever
// callers name their resources.
func TestH5_UsageIsExported(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		want := map[string]int{}
		names := []string{"=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0", "'=1", "a,b", "say \"hi\"", "x;y", "größe", "a=1"}
		for _, text := range naughty(t) {
			if len(text) <= 200 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 }) {
				names = append(names, text)
			}
		}
		for _, name := range names {
			secret := w.secrets["live"]
			if a := w.do(t, request{method: "POST", path: "/v1/verify", as: "key", body: api.Verify{Credential: &secret, Resource: name}}); a.status == 200 {
				want[name]++
			}
		}
		for i := range 450 { // more than a page, of another credential
			w.verifyFor(t, "test", fmt.Sprint("r", i))
		}
		w.flush(t)
		rows := w.table(t, "owner", "/v1/usage/export?credential_id="+w.records["live"].ID)
		if diff := cmp.Diff([]string{"day", "credential", "project", "resource", "outcome", "requests", "coins"}, rows[0]); diff != "" {
			t.Error(diff)
		}
		got := map[string]int{}
		for _, row := range rows[1:] {
			for _, cell := range row {
				if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
					t.Errorf("a cell is a formula: %q", cell)
				}
			}
			if row[1] != w.records["live"].ID || row[4] != "ok" {
				t.Errorf("got %q", row)
			}
			name := row[3]
			if strings.HasPrefix(name, "'") {
				name = name[1:]
			}
			n := 0
			_, _ = fmt.Sscan(row[5], &n)
			got[name] += n
		}
		for name, n := range want {
			if strings.Contains(name, "…") || got[name] == n {
				continue
			}
			t.Errorf("%q: got %d, want %d", name, got[name], n)
		}
		if len(want) < 100 {
			t.Errorf("only %d names were tried", len(want))
		}
		all := w.table(t, "owner", "/v1/usage/export?credential_id="+w.records["test"].ID)
		if len(all) != 451 || !slices.IsSortedFunc(all[1:], slices.Compare) {
			t.Errorf("got %d rows", len(all))
		}
		if rows := w.table(t, "far", "/v1/usage/export"); slices.ContainsFunc(rows, func(r []string) bool { return r[1] == w.records["live"].ID }) {
			t.Error("another organization's usage is told")
		}
	})
}

// The ledger is told line by line to those whose credentials paid.
func TestSpends(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		coins := int64(1000)
		w.must(t, "PUT", "/v1/organizations/"+w.acme.ID+"/budgets/"+w.acme.ID, api.SetBudget{Coins: &coins}, nil)
		secret, mine := w.secrets["onetest"], w.secrets["member"]
		for i := range 7 {
			w.clock.advance(time.Millisecond)
			cost := int64(i + 1)
			if _, err := w.as("key").Verify(t.Context(), api.Verify{Credential: &secret, Cost: &cost, Resource: "=2+3"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.as("key").Verify(t.Context(), api.Verify{Credential: &mine, Resource: "GET /x"}); err != nil {
			t.Fatal(err)
		}
		costs := func(as string, f client.SpendFilter) (out []int64) {
			t.Helper()
			for line, err := range w.as(as).Usage().Spends(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, line.Cost)
			}
			return out
		}
		project := client.SpendFilter{Project: w.alpha.ID}
		for what, c := range map[string]struct {
			as   string
			of   client.SpendFilter
			want []int64
		}{
			"a project's": {"owner", project, []int64{7, 6, 5, 4, 3, 2, 1}}, "by its key": {"onetest", client.SpendFilter{}, []int64{7, 6, 5, 4, 3, 2, 1}}, "to its administrator": {"lead", project, []int64{7, 6, 5, 4, 3, 2, 1}},
			"a credential's": {"owner", client.SpendFilter{Credential: w.records["member"].ID}, []int64{1}}, "one's own": {"member", client.SpendFilter{}, []int64{1}},
			"another's": {"member", client.SpendFilter{Credential: w.records["onetest"].ID}, nil}, "another organization's": {"far", client.SpendFilter{}, nil},
			"of another sort": {"owner", client.SpendFilter{Project: w.alpha.ID, Operation: "rest_api_read"}, nil}, "of another day": {"owner", client.SpendFilter{From: time.Unix(0, 0), To: time.Unix(86400, 0)}, nil},
		} {
			if got := costs(c.as, c.of); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", what, got, c.want)
			}
		}
		var page, next api.List[api.LedgerLine]
		w.do(t, request{method: "GET", path: "/v1/usage/spends?limit=3&project=" + w.alpha.ID, as: "owner"}).decode(t, &page)
		w.do(t, request{method: "GET", path: "/v1/usage/spends?limit=5&project=" + w.alpha.ID + "&cursor=" + page.NextCursor, as: "owner"}).decode(t, &next)
		if len(page.Items) != 3 || page.Items[2].Cost != 5 || len(next.Items) != 4 || next.Items[0].Cost != 4 || next.NextCursor != "" || page.Items[0].Name != "onetest" {
			t.Errorf("got %+v and %+v", page, next)
		}
		rows := w.table(t, "owner", "/v1/usage/spends/export?project="+w.alpha.ID)
		want := []string{"timestamp", "credential", "name", "user", "project", "operation", "resource", "cost", "reserved", "settled"}
		if len(rows) != 8 || !slices.Equal(rows[0], want) || !slices.Equal(rows[1][1:], []string{w.records["onetest"].ID, "onetest", "", w.alpha.ID, "service_call", "'=2+3", "7", "7", ""}) {
			t.Errorf("got %q", rows)
		}
	})
}

// Of each request that carried a credential it is told what it was, to whoever
// looks after the credential. Verifications on others' behalf are only counted.
func TestRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		path := "/v1/credentials/" + w.records["live"].ID
		w.do(t, request{method: "GET", path: "/v1/self", as: "live", header: http.Header{"User-Agent": {"curl/8"}}})
		w.do(t, request{method: "GET", path: path + "?limit=1", as: "live"})
		w.do(t, request{method: "GET", path: "/v1/self?access_token=" + w.secrets["live"], as: "live"}) // refused before it is known whose it is
		w.do(t, request{method: "GET", path: "/v1/credentials/" + w.secrets["owner"], as: "live"})
		w.do(t, request{method: "GET", path: "/v1/nothing", as: "live"})
		w.verifyFor(t, "live", "x")
		w.must(t, "POST", path+"/revoke", nil, nil)
		w.do(t, request{method: "GET", path: "/v1/self", as: "live"})
		w.flush(t)
		var got []string
		for r, err := range w.as("owner").Credentials().Requests(t.Context(), w.records["live"].ID) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Address != "127.0.0.1" || time.Since(r.At) > time.Hour || r.UserAgent == "" {
				t.Errorf("got %+v", r)
			}
			got = append(got, fmt.Sprint(r.Method, " ", r.Path, " ", r.Status))
		}
		want := []string{"GET /v1/self 401", "GET /v1/credentials/… 403", "GET " + path + " 403", "GET /v1/self 200"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for r, err := range w.operator.Credentials().Requests(t.Context(), w.records["key"].ID) {
			t.Errorf("a verification is listed: %+v, %v", r, err)
		}
		rows := storetest.Dump(t, storetest.Raw(t, cfg), "requests", "usage_days")
		for name, secret := range w.secrets {
			if strings.Contains(rows, secret) {
				t.Errorf("the secret of %s is stored", name)
			}
		}
		for query, field := range map[string]string{"limit=0": "limit", "cursor=x": "cursor", "before=1": "before"} {
			if a := w.do(t, request{method: "GET", path: path + "/requests?" + query, as: "owner"}); a.status/100 != 4 || a.problem(t).Field != field {
				t.Errorf("%s: got %d %s", query, a.status, a.body)
			}
		}
	})
}
