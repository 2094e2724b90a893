package rest_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// What a credential did and where it was used is told to whoever looks after it.
func TestActivity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		owner, live := "/v1/credentials/"+w.records["owner"].ID, "/v1/credentials/"+w.records["live"].ID
		for _, act := range []string{"suspend", "resume"} {
			w.do(t, request{method: "POST", path: live + "/" + act, as: "owner", header: http.Header{"User-Agent": {"curl/8"}}}).decode(t, &api.Credential{})
		}
		var a api.Activity
		w.do(t, request{method: "GET", path: owner + "/activity", as: "admin"}).decode(t, &a)
		actions := func(a api.Activity) (list []string) {
			for _, e := range a.Events {
				if list = append(list, e.Action); e.Actor != "credential:"+w.records["owner"].ID || e.Chain != w.acme.ID || e.Target != "credential:"+w.records["live"].ID {
					t.Errorf("got %+v", e)
				}
			}
			return list
		}
		if got := actions(a); !slices.Equal(got, []string{"credential.resume", "credential.suspend"}) || a.NextBefore != 0 {
			t.Errorf("got %v, and more before %d", got, a.NextBefore)
		}
		if a.Requests != 2 || a.LastUsedAddress != "127.0.0.1" || a.LastUsedAgent != "curl/8" || a.LastUsedAt == nil || time.Since(*a.LastUsedAt) > time.Minute {
			t.Errorf("got %+v", a)
		}
		first, err := w.as("owner").Credentials().Activity(t.Context(), w.records["owner"].ID, client.ActivityFilter{Limit: 1})
		if err != nil || len(first.Events) != 1 || first.NextBefore != first.Events[0].Sequence || first.Events[0] != a.Events[0] {
			t.Errorf("the first page: %+v, %v", first, err)
		}
		rest, err := w.as("owner").Credentials().Activity(t.Context(), w.records["owner"].ID, client.ActivityFilter{Before: first.NextBefore, Organization: w.acme.ID})
		if err != nil || len(rest.Events) != 1 || rest.NextBefore != 0 || rest.Events[0] != a.Events[1] {
			t.Errorf("the next page: %+v, %v", rest, err)
		}
		activityOfTheInstallation(t, w)
		for as, status := range map[string]int{"admin": 200, "key": 200, "operator": 200, "wide": 200, "owner": 200, "member": 404, "guest": 404, "far": 404, "onetest": 403, "token": 401, "": 401} {
			if a := w.do(t, request{method: "GET", path: owner + "/activity", as: as}); a.status != status {
				t.Errorf("%s: got %d %s, want %d", as, a.status, a.body, status)
			}
		}
		a = api.Activity{}
		w.do(t, request{method: "GET", path: "/v1/credentials/" + w.records["guest"].ID + "/activity", as: "guest"}).decode(t, &a)
		if a.Events == nil || len(a.Events) != 0 {
			t.Errorf("one's own, which did nothing: got %+v", a)
		}
		for query, field := range map[string]string{
			"limit=0": "limit", "limit=201": "limit", "before=-1": "before", "before=x": "before", "organization=" + w.other.ID: "organization", "organization=x": "organization",
			"actor=operator": "actor", "after=1": "after",
		} {
			if a := w.do(t, request{method: "GET", path: owner + "/activity?" + query, as: "owner"}); a.status/100 != 4 || a.problem(t).Field != field {
				t.Errorf("%s: got %d %s", query, a.status, a.body)
			}
		}
	})
}

// activityOfTheInstallation: a credential above every organization did things
// in several, each of which is named.
func activityOfTheInstallation(t *testing.T, w *world) {
	wide := "/v1/credentials/" + w.records["wide"].ID
	for _, o := range []api.Organization{w.acme, w.other} {
		w.do(t, request{method: "POST", path: "/v1/organizations/" + o.ID + "/projects", as: "wide", body: api.CreateProject{Name: "By " + o.Name}}).decode(t, &api.Project{})
	}
	for query, want := range map[string]int{"": 0, "?organization=" + w.acme.ID: 1, "?organization=" + w.other.BunShipID: 1} {
		var a api.Activity
		w.do(t, request{method: "GET", path: wide + "/activity" + query, as: "operator"}).decode(t, &a)
		if len(a.Events) != want || a.Requests != 2 {
			t.Errorf("%s: got %+v, want %d events", query, a, want)
		}
	}
	if a := w.do(t, request{method: "GET", path: wide + "/activity?organization=" + w.acme.ID, as: "owner"}); a.status != 404 {
		t.Errorf("an owner sees what the installation's did: %d %s", a.status, a.body)
	}
}

// over HTTP, a predecessor stops at the first call with the new secret.
func TestR10_FirstUseOverHTTP(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		id, before := "/v1/credentials/"+w.records["key"].ID, w.secrets["key"]
		var out api.IssuedCredential
		a := w.do(t, request{method: "POST", path: id + "/rotate", as: "operator", body: api.RotateCredential{EndPredecessor: "at_first_use"}})
		if a.decode(t, &out); out.Predecessor == nil || !out.Predecessor.AtFirstUse || out.Predecessor.EndsAt.Before(time.Now()) {
			t.Errorf("got %s", a.body)
		}
		self := func(secret string) answer {
			return w.do(t, request{method: "GET", path: "/v1/self", header: http.Header{"Authorization": {"Bearer " + secret}}})
		}
		if a := self(before); a.status != 200 {
			t.Errorf("before the first use: got %d %s", a.status, a.body)
		}
		first := self(out.Secret)
		if first.status != 200 {
			t.Errorf("the first use: got %d %s", first.status, first.body)
		}
		if a := self(before); a.status != 401 || a.problem(t).Code != "revoked" {
			t.Errorf("after the first use: got %d %s", a.status, a.body)
		}
		var now api.Credential
		if w.must(t, "GET", id, nil, &now); now.Predecessor != nil {
			t.Errorf("it still has a predecessor: %+v", now.Predecessor)
		}
		var did api.Activity
		w.must(t, "GET", id+"/activity", nil, &did)
		if e := did.Events[0]; e.Action != "credential.end_predecessor" || e.Request != first.header.Get("X-Request-Id") || e.Address != "127.0.0.1" {
			t.Errorf("got %+v", e)
		}
		out = api.IssuedCredential{}
		w.must(t, "POST", id+"/rotate", api.RotateCredential{EndPredecessor: "after_grace"}, &out)
		if out.Predecessor == nil || out.Predecessor.AtFirstUse {
			t.Errorf("an ordinary rotation: got %+v", out.Predecessor)
		}
	})
}
