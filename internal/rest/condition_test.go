package rest_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// who names the state that they know changes no other.
func TestX9_IfMatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		var made api.IssuedCredential
		w.must(t, "POST", "/v1/credentials", api.CreateCredential{Scheme: "gatehouse_key", Name: "first", Organization: w.acme.ID, Scopes: []string{"projects:read"}}, &made)
		path := "/v1/credentials/" + made.ID
		change := func(name string, tags ...string) answer {
			r := request{method: "PATCH", path: path, as: "key", body: fmt.Sprintf(`{"name":%q}`, name)}
			if tags != nil {
				r.header = http.Header{"If-Match": tags}
			}
			return w.do(t, r)
		}
		shown := w.do(t, request{method: "GET", path: path, as: "key"})
		tag := shown.header.Get("ETag")
		if want := `"` + made.Version + `"`; tag != want || made.Version == "" {
			t.Fatalf("the ETag is %s, want %s", tag, want)
		}
		second := change("second", tag)
		if second.status != 200 || second.header.Get("ETag") == tag {
			t.Errorf("a change of what is known: %d %s, ETag %s", second.status, second.body, second.header.Get("ETag"))
		}
		for what, tags := range map[string][]string{"the state before": {tag}, "none": {""}, "a weak one": {"W/" + second.header.Get("ETag")}, "others": {`"a"`, `"b", "c"`}} {
			if a := change("lost", tags...); a.status != 412 && !(what == "none" && a.status == 400) || a.status == 412 && a.problem(t).Code != "precondition_failed" {
				t.Errorf("%s: got %d %s", what, a.status, a.body)
			}
		}
		for _, tags := range [][]string{{second.header.Get("ETag")}, {`"x", *`}, nil} {
			if a := change("second", tags...); a.status != 200 {
				t.Errorf("If-Match %q: got %d %s", tags, a.status, a.body)
			}
		}
		for _, tags := range []string{"second", `"`, `"a" "b"`} {
			if a := change("odd", tags); a.status != 400 || a.problem(t).Field != "If-Match" {
				t.Errorf("If-Match %s: got %d %s", tags, a.status, a.body)
			}
		}
		if a := w.do(t, request{method: "POST", path: "/v1/credentials", as: "key", body: `{"scheme":"gatehouse_key","name":"x","scopes":["projects:read"]}`, header: http.Header{"If-Match": {"*"}}}); a.status != 400 {
			t.Errorf("a call that takes no If-Match: got %d %s", a.status, a.body)
		}
		known := w.do(t, request{method: "GET", path: path, as: "key"}).header.Get("ETag")
		var wins sync.Map
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() { wins.Store(i, change(fmt.Sprint("racer ", i), known).status) })
		}
		all.Wait()
		won := 0
		wins.Range(func(_, status any) bool {
			if status == 200 {
				won++
			} else if status != 412 {
				t.Errorf("one of twelve changes at once: got %d", status)
			}
			return true
		})
		if won != 1 {
			t.Errorf("%d of twelve changes of one state were made", won)
		}
	})
}

// every call that takes If-Match keeps to it.
func TestX9_EveryIfMatchHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		tried := 0
		for _, r := range w.edge.Routes() {
			if !r.Conditional() {
				continue
			}
			tried++
			s := calls()[nameOf(r)](t, w)
			before := w.checksum(t)
			a := w.do(t, request{method: r.Method, path: s.path, as: "operator", body: s.body, header: http.Header{"If-Match": {`"another state"`}}})
			if a.status != 412 {
				t.Errorf("%s: got %d %s, want 412", nameOf(r), a.status, a.body)
			}
			if w.checksum(t) != before {
				t.Errorf("%s has changed something", nameOf(r))
			}
		}
		if tried < 10 {
			t.Errorf("%d calls take If-Match", tried)
		}
	})
}
