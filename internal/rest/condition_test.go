package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
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
		if tried < 16 {
			t.Errorf("%d calls take If-Match", tried)
		}
	})
}

// conditional is something with a state that calls of the Go client change.
type conditional struct {
	name, path string
	change     func(ctx context.Context, n int) error
	remove     func(ctx context.Context) error
	again      func(ctx context.Context) error // makes it anew
}

// conditionals are memberships, and the keys of a client.
func (w *world) conditionals() []conditional {
	members, projects, credentials := w.operator.Members(w.acme.ID), w.operator.Projects(w.acme.ID), w.operator.Credentials()
	const member, guest = "extra@acme.test", "guest@acme.test"
	id, org := w.records["client"].ID, "/v1/organizations/"+w.acme.ID
	keys := func(ctx context.Context, n int) error {
		var set api.ClientKeys
		if err := json.Unmarshal([]byte(publicKey(fmt.Sprint("key-", n))), &set); err != nil {
			return err
		}
		_, err := credentials.SetKeys(ctx, id, set)
		return err
	}
	role := func(ctx context.Context, n int) error {
		return projects.SetRole(ctx, w.alpha.ID, guest, []string{"user", "guest"}[n%2])
	}
	return []conditional{
		{"a member", org + "/members/" + member,
			func(ctx context.Context, n int) error {
				return members.SetRole(ctx, member, []string{"guest", "member"}[n%2])
			},
			func(ctx context.Context) error { return members.Remove(ctx, member) },
			func(ctx context.Context) error {
				_, err := members.Create(ctx, api.CreateUser{Email: member, Name: "x", Role: "guest"}, "")
				return err
			}},
		{"a member of a project", org + "/projects/" + w.alpha.ID + "/members/" + guest, role,
			func(ctx context.Context) error { return projects.RemoveMember(ctx, w.alpha.ID, guest) },
			func(ctx context.Context) error { return role(ctx, 0) }},
		{"keys", "/v1/credentials/" + id, keys,
			func(ctx context.Context) error { _, err := credentials.RemoveKeys(ctx, id); return err },
			func(ctx context.Context) error { return keys(ctx, 0) }},
	}
}

// memberships and the keys of clients are changed by who knows their
// state, through the Go client too.
func TestX9_MembershipsAndKeysIfMatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		for _, thing := range w.conditionals() {
			w.changesByState(t, thing)
		}
		project := "/v1/organizations/" + w.acme.ID + "/projects/" + w.alpha.ID + "/members/"
		w.must(t, "DELETE", project+"guest@acme.test", nil, nil)
		for _, tag := range []string{"*", `"0123456789abcdef"`} {
			a := w.do(t, request{method: "PUT", path: project + "guest@acme.test", as: "operator", body: api.SetRole{Role: "user"}, header: http.Header{"If-Match": {tag}}})
			if a.status != 412 {
				t.Errorf("a role given to who has none, If-Match %s: got %d %s", tag, a.status, a.body)
			}
		}
		for path, want := range map[string]int{"/v1/organizations/" + w.acme.ID + "/members/nobody@acme.test": 404, project + "guest@acme.test": 404, project + "x": 422} {
			if a := w.do(t, request{method: "GET", path: path, as: "operator"}); a.status != want {
				t.Errorf("%s: got %d, want %d", path, a.status, want)
			}
		}
	})
}

// changesByState fails the test unless a change of a state that is no more is refused.
func (w *world) changesByState(t *testing.T, thing conditional) {
	version := func() string {
		a := w.do(t, request{method: "GET", path: thing.path, as: "operator"})
		var shown struct{ Version string }
		a.decode(t, &shown)
		if tag := a.header.Get("ETag"); tag != `"`+shown.Version+`"` || shown.Version == "" {
			t.Fatalf("%s: the ETag is %s, the version %s", thing.name, tag, shown.Version)
		}
		return shown.Version
	}
	of := func(version string) context.Context { return client.IfMatch(t.Context(), version) }
	refused := func(what string, err error) {
		t.Helper()
		var problem *api.Problem
		if !errors.As(err, &problem) || problem.Status != 412 || problem.Code != "precondition_failed" {
			t.Errorf("%s, %s: got %v", thing.name, what, err)
		}
	}
	done := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s, %s: %v", thing.name, what, err)
		}
	}
	first := version()
	done("changed", thing.change(of(first), 0))
	second := version()
	refused("changed of the state before", thing.change(of(first), 1))
	refused("removed of the state before", thing.remove(of(first)))
	if still := version(); still != second || first == second {
		t.Errorf("%s: the versions are %s, %s, then %s", thing.name, first, second, still)
	}
	done("removed", thing.remove(of(second)))
	w.clock.advance(time.Second)
	done("made anew", thing.again(t.Context()))
	refused("changed of the state before it was removed", thing.change(of(second), 1))
}
