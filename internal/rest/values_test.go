package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// member puts one member beside those that are right.
func member(name, value string) string {
	base := map[string]string{"scheme": `"gatehouse_key"`, "name": `"n"`, "scopes": `["projects:read"]`}
	base[name] = value
	var parts []string
	for k, v := range base {
		parts = append(parts, fmt.Sprintf("%q:%s", k, v))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// wrongValues has JSON values that a member of a new credential refuses.
func wrongValues() map[string][]string {
	names := []string{`""`, `" "`, `"\t\n"`, `"\u00a0\u2003"`, `"a\u0000b"`, `"a\u001bb"`, `"a\nb"`, `"a\u202eb"`, `"a\u200bb"`, `"a\u2028b"`, `"a\u2066b"`,
		`"a\ufeffb"`, `"a\u00adb"`, `"a\ue000b"`, `"a\u007fb"`, `"a\u0085b"`, `"` + strings.Repeat("n", 101) + `"`, `"` + strings.Repeat("é", 101) + `"`}
	dates := []string{`"2020-01-01T00:00:00Z"`, `"1969-12-31T23:59:59Z"`, `"0001-01-01T00:00:01Z"`, `"0000-01-01T00:00:00Z"`, `"2099-01-01T00:00:00"`, `"2099-01-01"`, `"2099-01-01 00:00:00Z"`,
		`"2099-02-30T00:00:00Z"`, `"2099-01-01T25:00:00Z"`, `"2099-01-01T00:00:00+25:00"`, `"4102444800"`, `"tomorrow"`, `"never"`, `"99999-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-23:59"`, `4102444800`}
	spans := []string{`"99999999999d"`, `"36501d"`, `"9223372036854775807s"`, `"99999999999999999999999d"`, `"0"`, `"0d"`, `"000d"`, `"-1d"`, `"+1d"`, `"1.5d"`, `"1e3d"`, `"90"`, `"d"`, `"90 d"`, `"90D"`, `"1w"`, `"1h30m"`, `"0x10d"`, `"٣d"`, `90`}
	scopes := []string{`[]`, `[""]`, `["*"]`, `["nothing:read"]`, `["projects:read","projects:read"]`, `["Projects:Read"]`, `["projects:read "]`, `[" projects:read"]`, `["projects:read projects:write"]`,
		`["projects:read,projects:write"]`, `["projects:*"]`, `["user"]`, `["projects:read","*"]`, `["projects\u003aread\u0000"]`, `{}`, `"*"`, `[[]]`, `[{}]`, `[true]`}
	addresses := []string{`["10.0.0.0/99"]`, `["::ffff:10.0.0.0/8"]`, `["::ffff:10.0.0.0/95"]`, `["10.0.0.0/-1"]`, `["10.0.0.0/08"]`, `["10.0.0.0/"]`, `["/8"]`, `["10.0.0"]`, `["10.0.0.256"]`, `["010.0.0.1"]`, `["0x0a.0.0.1"]`,
		`["167772161"]`, `["fe80::1%eth0"]`, `["fe80::%eth0/64"]`, `["[::1]"]`, `["10.0.0.1:80"]`, `["localhost"]`, `[""]`, `[" 10.0.0.1"]`, `["10.0.0.1,10.0.0.2"]`, `["::/129"]`, `["*"]`, `"10.0.0.1"`,
		`[` + strings.TrimSuffix(strings.Repeat(`"10.0.0.1",`, 65), ",") + `]`}
	return map[string][]string{
		"name": names, "expires_at": dates, "not_before": {`"2099-01-01T00:00:00"`, `"2099-01-01"`, `"soon"`, `5`}, "expires_in": spans, "scopes": scopes, "allowed_addresses": addresses,
		"scheme": {`""`, `"nothing"`, `"GATEHOUSE_KEY"`, `"gatehouse_key "`, `"' OR 1=1"`, `1`}, "rate_limit": {`-1`, `1000000001`, `-9223372036854775808`, `9223372036854775807`},
		"organization": {`"nothing"`, `"0"`, `"-1"`, `"+1"`, `"999999"`, `"99999999999999999999"`, `"org_1"`, `"org_` + strings.Repeat("F", 32) + `"`, `"00000000-0000-0000-0000-000000000000"`, `"01890000-0000-7000-8000-000000000000"`},
		"project":      {`"pr-0"`, `"pr--1"`, `"pr-99999999999999"`, `"PRJ-"`, `"prj-1"`, `"nothing"`, `"00000000-0000-0000-0000-000000000000"`},
		"user":         {`"nobody"`, `"a@b@c"`, `"@"`, `"usr_1"`, `"a b@c.test"`, `"00000000-0000-0000-0000-000000000000"`},
	}
}

func TestWrongValuesAreNamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		var list []refusal
		for field, values := range wrongValues() {
			for _, value := range values {
				list = append(list, refusal{field + " " + value, request{method: "POST", path: "/v1/credentials", as: "owner", body: member(field, value)}, 422, "invalid", field})
			}
		}
		for i, r := range list { // what stands inside a list is named with its place
			if strings.HasPrefix(r.name, "scopes [[]]") || strings.HasPrefix(r.name, "scopes [{}]") || strings.HasPrefix(r.name, "scopes [true]") {
				list[i].field = "scopes.0"
			}
		}
		checkRefusals(t, w, list)
	})
}

func TestWrongCombinationsAreRefused(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	post := func(body string) request {
		return request{method: "POST", path: "/v1/credentials", as: "owner", body: body}
	}
	patch := func(body string) request {
		return request{method: "PATCH", path: "/v1/credentials/" + w.records["key"].ID, as: "owner", body: body}
	}
	rotate := func(body string) request {
		return request{method: "POST", path: "/v1/credentials/" + w.records["key"].ID + "/rotate", as: "owner", body: body}
	}
	pat := `"scheme":"testkase_pat","name":"n"`
	checkRefusals(t, w, []refusal{
		{"two expiries", post(`{` + good + `,"expires_in":"1d","expires_at":"2099-01-01T00:00:00Z"}`), 422, "invalid", "expires_at"},
		{"begins after its end", post(`{` + good + `,"expires_in":"1d","not_before":"2099-01-01T00:00:00Z"}`), 422, "invalid", "not_before"},
		{"no scopes", post(`{"scheme":"gatehouse_key","name":"n"}`), 422, "invalid", "scopes"},
		{"no scheme", post(`{"name":"n"}`), 422, "invalid", "scheme"},
		{"no name", post(`{"scheme":"gatehouse_key","scopes":["projects:read"]}`), 422, "invalid", "name"},
		{"token without an expiry", post(`{` + pat + `}`), 422, "invalid", "expires_in"},
		{"token with another lifetime", post(`{` + pat + `,"expires_in":"8d"}`), 422, "invalid", "expires_in"},
		{"token with an instant", post(`{` + pat + `,"expires_at":"2099-01-01T00:00:00Z"}`), 422, "invalid", "expires_in"},
		{"fixed scopes", post(`{` + pat + `,"expires_in":"7d","scopes":["projects:read"]}`), 422, "invalid", "scopes"},
		{"project of a key", post(`{` + good + `,"project":"PRJ-1"}`), 422, "invalid", "project"},
		{"user of a key", post(`{` + good + `,"user":"owner@acme.test"}`), 422, "invalid", "user"},
		{"project key without a project", post(`{"scheme":"onetest_key","name":"n"}`), 422, "invalid", "project"},
		{"project of another organization", post(`{"scheme":"onetest_key","name":"n","project":"` + w.foreign.ID + `"}`), 422, "invalid", "project"},
		{"foreign organization", post(`{` + good + `,"organization":"` + w.other.ID + `"}`), 422, "invalid", "organization"},
		{"user of another organization", post(`{` + pat + `,"expires_in":"7d","user":"owner@other.test"}`), 422, "invalid", "user"},
		{"token for somebody else", post(`{` + pat + `,"expires_in":"7d","user":"admin@acme.test"}`), 403, "forbidden", ""},
		{"expiry of a static key", post(`{"scheme":"betatesting_static","name":"n","expires_in":"7d"}`), 403, "forbidden", "expires_in"},
		{"one static key too many", post(`{"scheme":"betatesting_static","name":"n"}`), 409, "limit_reached", ""},
		{"nothing to change", patch(`{}`), 422, "invalid", ""},
		{"blank name", patch(`{"name":"  "}`), 422, "invalid", "name"},
		{"name of 101", patch(`{"name":"` + strings.Repeat("x", 101) + `"}`), 422, "invalid", "name"},
		{"wrong prefix", patch(`{"allowed_addresses":["10.0.0.0/99"]}`), 422, "invalid", "allowed_addresses"},
		{"null addresses", patch(`{"allowed_addresses":null}`), 422, "invalid", "allowed_addresses"},
		{"negative rate", patch(`{"rate_limit":-1}`), 422, "invalid", "rate_limit"},
		{"end in the past", patch(`{"expires_at":"2020-01-01T00:00:00Z"}`), 422, "invalid", "expires_at"},
		{"no end", patch(`{"expires_at":"never"}`), 422, "invalid", "expires_at"},
		{"empty end", patch(`{"expires_at":""}`), 422, "invalid", "expires_at"},
		{"scopes never change", patch(`{"scopes":["credentials:write"]}`), 400, "bad_request", "scopes"},
		{"state is no member", patch(`{"state":"active"}`), 400, "bad_request", "state"},
		{"organization is no member", patch(`{"organization":"` + w.other.ID + `"}`), 400, "bad_request", "organization"},
		{"expires_in is no member of a change", patch(`{"expires_in":"1d"}`), 400, "bad_request", "expires_in"},
		{"grace too long", rotate(`{"grace":"31d"}`), 422, "invalid", "grace"},
		{"another end", rotate(`{"end_predecessor":"now"}`), 422, "invalid", "end_predecessor"},
		{"an end without a grace", rotate(`{"grace":"0","end_predecessor":"at_first_use"}`), 422, "invalid", "end_predecessor"},
		{"negative grace", rotate(`{"grace":"-1h"}`), 422, "invalid", "grace"},
		{"empty grace", rotate(`{"grace":""}`), 422, "invalid", "grace"},
		{"null grace", rotate(`{"grace":null}`), 422, "invalid", "grace"},
		{"rotation into the past", rotate(`{"expires_at":"2020-01-01T00:00:00Z"}`), 422, "invalid", "expires_at"},
		{"a rotation takes no scopes", rotate(`{"scopes":["*"]}`), 400, "bad_request", "scopes"},
	})
}

// The first second of the calendar is a date in the past like any other, and
// not "no date": a credential asked to end then must not live for ever.
func TestYearOneIsInThePast(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	id := w.records["live"].ID
	w.must(t, "PATCH", "/v1/credentials/"+id, map[string]string{"expires_at": time.Now().Add(time.Hour).Format(time.RFC3339)}, nil)
	const one = `"0001-01-01T00:00:00Z"`
	checkRefusals(t, w, []refusal{
		{"issue", request{method: "POST", path: "/v1/credentials", as: "owner", body: member("expires_at", one)}, 422, "invalid", "expires_at"},
		{"change", request{method: "PATCH", path: "/v1/credentials/" + id, as: "owner", body: `{"expires_at":` + one + `}`}, 422, "invalid", "expires_at"},
		{"rotate", request{method: "POST", path: "/v1/credentials/" + id + "/rotate", as: "owner", body: `{"expires_at":` + one + `}`}, 422, "invalid", "expires_at"},
	})
}

func TestWrongValuesInOrganizations(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	org := "/v1/organizations/" + w.acme.ID
	call := func(method, path, body string) request {
		return request{method: method, path: path, as: "operator", body: body}
	}
	list := []refusal{
		{"second owner address", call("POST", org+"/members", `{"email":"owner@acme.test","name":"x","role":"guest"}`), 409, "conflict", "email"},
		{"no such role", call("POST", org+"/members", `{"email":"x@acme.test","name":"x","role":"root"}`), 422, "invalid", "role"},
		{"no role", call("POST", org+"/members", `{"email":"x@acme.test","name":"x"}`), 422, "invalid", "role"},
		{"short password", call("POST", org+"/members", `{"email":"x@acme.test","name":"x","role":"guest","password":"short"}`), 422, "invalid", "password"},
		{"common password", call("POST", org+"/members", `{"email":"x@acme.test","name":"x","role":"guest","password":"Password1"}`), 422, "invalid", "password"},
		{"own name", call("POST", org+"/members", `{"email":"adalovelace@acme.test","name":"x","role":"guest","password":"adalovelace"}`), 422, "invalid", "password"},
		{"long password", call("POST", org+"/members", `{"email":"x@acme.test","name":"x","role":"guest","password":"`+strings.Repeat("aB3$", 300)+`"}`), 422, "invalid", "password"},
		{"last owner", call("PUT", org+"/members/owner@acme.test", `{"role":"guest"}`), 409, "conflict", ""},
		{"last owner leaves", call("DELETE", org+"/members/owner@acme.test", ""), 409, "conflict", ""},
		{"no role at all", call("PUT", org+"/members/guest@acme.test", `{}`), 422, "invalid", "role"},
		{"an empty role", call("PUT", org+"/members/guest@acme.test", `{"role":""}`), 422, "invalid", "role"},
		{"no body", call("PUT", org+"/members/guest@acme.test", ""), 422, "invalid", "role"},
		{"nobody leaves", call("DELETE", org+"/members/nobody@acme.test", ""), 404, "not_found", ""},
		{"nobody", call("PUT", org+"/members/nobody@acme.test", `{"role":"guest"}`), 404, "not_found", ""},
		{"no project role", call("PUT", org+"/projects/PRJ-1/members/guest@acme.test", `{"role":"owner"}`), 422, "invalid", "role"},
		{"no project role at all", call("PUT", org+"/projects/PRJ-1/members/guest@acme.test", `{}`), 422, "invalid", "role"},
		{"nobody leaves a project", call("DELETE", org+"/projects/PRJ-1/members/nobody@acme.test", ""), 404, "not_found", ""},
		{"a member leaves a project without being in it", call("DELETE", org+"/projects/PRJ-1/members/owner@acme.test", ""), 404, "not_found", ""},
		{"an empty filter", call("GET", "/v1/credentials?user=", ""), 400, "bad_request", "user"},
		{"another spelling of a limit", call("GET", org+"/projects?limit=05", ""), 422, "invalid", "limit"},
		{"another spelling of a project", call("GET", org+"/projects/PRJ-01", ""), 404, "not_found", ""},
		{"braces around an id", call("GET", org+"/projects/%7B"+w.alpha.ID+"%7D", ""), 404, "not_found", ""},
		{"an id in upper case", call("GET", org+"/projects/"+strings.ToUpper(w.alpha.ID), ""), 404, "not_found", ""},
		{"an id without hyphens", call("GET", org+"/projects/"+strings.ReplaceAll(w.alpha.ID, "-", ""), ""), 404, "not_found", ""},
		{"an organization's number with a zero", call("GET", "/v1/organizations/01", ""), 404, "not_found", ""},
		{"a query where none is read", call("GET", org+"?name=x", ""), 400, "bad_request", "name"},
		{"a query on a change", call("POST", org+"/projects/PRJ-1/archive?dry_run=1", ""), 400, "bad_request", "dry_run"},
		{"a semicolon in the query", call("GET", org+"/projects?limit=1;cursor=x", ""), 400, "bad_request", ""},
		{"a bad escape in the query", call("GET", org+"/projects?limit=%zz", ""), 400, "bad_request", ""},
		{"no project", call("PUT", org+"/projects/PRJ-99/members/guest@acme.test", `{"role":"guest"}`), 404, "not_found", ""},
		{"no organization", call("POST", "/v1/organizations/99/projects", `{"name":"x"}`), 404, "not_found", ""},
		{"unknown member", call("POST", org+"/projects", `{"name":"x","number":7}`), 400, "bad_request", "number"},
	}
	for _, name := range wrongValues()["name"] {
		list = append(list,
			refusal{"organization " + name, call("POST", "/v1/organizations", `{"name":`+name+`}`), 422, "invalid", "name"},
			refusal{"project " + name, call("POST", org+"/projects", `{"name":`+name+`}`), 422, "invalid", "name"},
			refusal{"member " + name, call("POST", org+"/members", `{"email":"x@acme.test","role":"guest","name":`+name+`}`), 422, "invalid", "name"})
	}
	for _, email := range []string{`""`, `"x"`, `"@"`, `"a@"`, `"@b"`, `"a@b@c"`, `"a@b."`, `"a@.b"`, `"a b@c.test"`, `"a@ＡＣＭＥ.test"`, `"ı@acme.test"`, `"a＠acme.test"`, `"\"a\"@acme.test"`, `"a\u0000@acme.test"`, `"` + strings.Repeat("a", 250) + `@b.test"`} {
		list = append(list, refusal{"e-mail " + email, call("POST", org+"/members", `{"name":"x","role":"guest","email":`+email+`}`), 422, "invalid", "email"})
	}
	checkRefusals(t, w, list)
}

func TestWrongQueries(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	get := func(path string) request { return request{method: "GET", path: path, as: "owner"} }
	var list []refusal
	for _, path := range []string{"/v1/credentials", "/v1/organizations", "/v1/organizations/" + w.acme.ID + "/members", "/v1/organizations/" + w.acme.ID + "/projects", "/v1/audit/events"} {
		for _, limit := range []string{"0", "-1", "201", "1e2", "x", "99999999999999999999", "1.0", "%20"} {
			list = append(list, refusal{path + " limit " + limit, get(path + "?limit=" + limit), 422, "invalid", "limit"})
		}
		list = append(list,
			refusal{path + " unknown", get(path + "?hash__startswith=a"), 400, "bad_request", "hash__startswith"},
			refusal{path + " order", get(path + "?order=lookup_key"), 400, "bad_request", "order"},
			refusal{path + " twice", get(path + "?limit=1&limit=2"), 400, "bad_request", "limit"},
			refusal{path + " percent", get(path + "?limit=%zz"), 400, "bad_request", ""},
			refusal{path + " semicolon", get(path + "?limit=1;limit=2"), 400, "bad_request", ""})
	}
	for field, values := range map[string][]string{"state": {"x", "Active", "damaged"}, "scheme": {"x", "GATEHOUSE_KEY"}, "project": {"x", w.foreign.ID}, "user": {"x", "nobody@acme.test", "owner@other.test"}, "organization": {"x", w.other.ID, "2"}, "cursor": {"x", "AAAA", strings.Repeat("A", 43), strings.Repeat("A", 5000)}} {
		for _, value := range values {
			list = append(list, refusal{field + " " + value[:min(len(value), 40)], get("/v1/credentials?" + field + "=" + value), 422, "invalid", field})
		}
	}
	list = append(list, refusal{"after", get("/v1/audit/events?after=-1"), 422, "invalid", "after"}, refusal{"after text", get("/v1/audit/events?after=x"), 422, "invalid", "after"})
	checkRefusals(t, w, list)
	for _, method := range []string{"", "0", "%00", "x", "KEY", "01890000-0000-7000-8000-000000000000", strings.ToUpper(w.records["key"].ID), "{" + w.records["key"].ID + "}", "urn:uuid:" + w.records["key"].ID, strings.ReplaceAll(w.records["key"].ID, "-", "")} {
		a := w.line(t, http.MethodGet, "/v1/credentials/"+method, w.secrets["owner"])
		if a.status != http.StatusNotFound {
			t.Errorf("id %q: got %d %s, want 404", method, a.status, a.body)
		}
	}
}
