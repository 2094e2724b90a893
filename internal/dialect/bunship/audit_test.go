package bunship_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// logOf is the audit log of an organization, as filters choose: name, value, ….
func logOf(o *store.Organization, filters ...string) string {
	query := url.Values{}
	for i := 0; i < len(filters); i += 2 {
		query.Set(filters[i], filters[i+1])
	}
	return "/organizations/" + orgID(o) + "/audit-logs?" + query.Encode()
}

// What is done with a key stands in the audit log as done by that key.
func TestBSD33_KeysInTheLog(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, id := ada.madeKey("write:projects", "audit-logs:read")
		w.clock.advance(time.Second)
		made := w.do("POST", "/probe/projects", map[string]any{"name": "Site"}, apiKey(key), from("203.0.113.7"))
		made.want(200)
		for _, filters := range [][]string{{"limit", "1"}, {"actorType", "api_key"}, {"actorId", id}, {"actorType", "api_key", "actorId", id}, {"action", "project.create"}} {
			a := w.do("GET", logOf(w.org, filters...), nil, apiKey(key))
			a.want(200)
			if len(a.list("data")) != 1 {
				t.Fatalf("%v: got %s", filters, a.body)
			}
			for member, want := range map[string]any{
				"actorType": "api_key", "actorId": id, "actorEmail": nil, "action": "project.create", "resourceType": "project",
				"resourceId": made.text("id"), "ipAddress": "203.0.113.7", "organizationId": orgID(w.org), "metadata.name": "Site",
			} {
				if got := a.get("data.0." + member); got != want {
					t.Errorf("%v: %s: got %v, want %v", filters, member, got, want)
				}
			}
			a.wantTime("data.0.createdAt", w.clock.now())
		}
	})
}

// actions are what the entries of an answer tell of, in their order.
func (a answer) actions() (list []string) {
	for i := range a.list("data") {
		list = append(list, a.text(fmt.Sprintf("data.%d.action", i)))
	}
	return list
}

// The audit log: its answer, who reads it, its filters and their bounds.
func TestBSD43_BSO20_AuditLog(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		w.clock.advance(time.Second)
		began := w.clock.now()
		key, id := ada.madeKey("read:audit-logs")
		w.clock.advance(time.Second)
		ada.do("DELETE", keysOf(w.org)+"/"+second(ada.madeKey("read:members")), nil).want(200)
		read := func(filters ...string) answer { return w.do("GET", logOf(w.org, filters...), nil, apiKey(key)) }
		t.Run("answer", func(t *testing.T) { logAnswer(t, w, ada, read) })
		t.Run("filters", func(t *testing.T) { logFilters(t, logged{w, ada, id, began}, read) })
		t.Run("bounds", func(t *testing.T) { logBounds(t, read) })
		t.Run("readers", func(t *testing.T) { logReaders(t, w, ada, key) })
		t.Run("users who are gone", func(t *testing.T) {
			admin := w.member("gone", credential.Admin)
			a := admin.do("POST", keysOf(w.org), map[string]any{"name": "x", "scopes": []string{"*"}})
			a.want(200)
			w.ok(w.Delete(background, w.op, admin.ref()))
			one := read("resourceId", a.text("data.id"), "action", "credential.issue")
			one.want(200)
			if one.get("data.0.actorEmail") != nil || one.get("data.0.actorId") != authority.PublicID("usr", admin.id) {
				t.Errorf("got %s", one.body)
			}
		})
		t.Run("a detail that was damaged", func(t *testing.T) {
			storetest.Exec(t, storetest.Raw(t, w.cfg), `UPDATE audit_events SET detail = 'x' WHERE action = 'credential.issue'`)
			a := read("action", "credential.issue")
			a.want(200)
			a.wantMembers("data.0.metadata")
		})
	})
}

func second[A, B any](_ A, b B) B { return b }

func logAnswer(t *testing.T, w *world, ada *person, read func(...string) answer) {
	a := read()
	a.want(200)
	a.wantMembers("", "success", "data", "pagination")
	a.wantMembers("pagination", "total", "limit", "offset", "hasMore")
	a.wantMembers("data.0", "id", "organizationId", "actorId", "actorType", "actorEmail", "action", "resourceType", "resourceId",
		"oldValues", "newValues", "ipAddress", "userAgent", "metadata", "createdAt")
	a.wantID("data.0.id", "log")
	a.wantID("data.0.resourceId", "key")
	want := []string{"credential.revoke", "credential.issue", "credential.issue", "member.add"} // the latest first
	if got := a.actions(); !slices.Equal(got, want) || a.get("success") != true {
		t.Errorf("got %v, want %v", got, want)
	}
	if a.text("data.0.actorType") != "user" || a.text("data.0.actorId") != authority.PublicID("usr", ada.id) || a.text("data.0.actorEmail") != ada.email ||
		a.text("data.0.ipAddress") != "127.0.0.1" || a.text("data.0.resourceType") != "api_key" {
		t.Errorf("got %s", a.body)
	}
	if a.text("data.3.actorType") != "system" || a.get("data.3.actorId") != nil || a.text("data.3.resourceId") != authority.PublicID("usr", ada.id) {
		t.Errorf("got %s", a.body)
	}
	if a.get("pagination.total") != 4.0 || a.get("pagination.limit") != 50.0 || a.get("pagination.offset") != 0.0 || a.get("pagination.hasMore") != false {
		t.Errorf("got %s", a.body)
	}
	var ids []string
	for offset := range 5 {
		one := read("limit", "1", "offset", strconv.Itoa(offset))
		one.want(200)
		if more := one.get("pagination.hasMore"); more != (offset < 3) || len(one.list("data")) != min(1, 4-offset) {
			t.Errorf("at %d: got %s", offset, one.body)
		}
		if id := one.text("data.0.id"); id != "" && (slices.Contains(ids, id) || id != a.text(fmt.Sprintf("data.%d.id", offset))) {
			t.Errorf("at %d: got %s", offset, one.body)
		}
		ids = append(ids, one.text("data.0.id"))
	}
}

// logged is what the audit log tells of.
type logged struct {
	*world
	ada   *person
	key   string // the id of the first
	began time.Time
}

func logFilters(t *testing.T, w logged, read func(...string) answer) {
	user, at := authority.PublicID("usr", w.ada.id), func(d time.Duration) string { return w.began.Add(d).Format(time.RFC3339Nano) }
	keys := []string{"credential.revoke", "credential.issue", "credential.issue"}
	for _, c := range []struct {
		filters []string
		want    []string
	}{
		{[]string{"action", "member.add"}, []string{"member.add"}},
		{[]string{"action", "member"}, nil},
		{[]string{"actorId", user}, keys},
		{[]string{"actorId", user, "actorType", "user"}, keys},
		{[]string{"actorType", "user"}, keys},
		{[]string{"actorType", "system"}, []string{"member.add"}},
		{[]string{"actorType", "api_key"}, nil},
		{[]string{"actorId", w.key}, nil},
		{[]string{"resourceType", "api_key"}, keys},
		{[]string{"resourceType", "user", "action", "member.add"}, []string{"member.add"}},
		{[]string{"resourceId", user}, []string{"member.add"}},
		{[]string{"resourceId", w.key}, []string{"credential.issue"}},
		{[]string{"resourceType", "api_key", "resourceId", w.key}, []string{"credential.issue"}},
		{[]string{"resourceType", "user", "resourceId", w.ada.id.String()}, []string{"member.add"}},
		{[]string{"resourceType", "project", "resourceId", w.ada.id.String()}, nil},
		{[]string{"startDate", at(0), "endDate", at(0)}, []string{"credential.issue"}},
		{[]string{"startDate", at(time.Millisecond)}, keys[:2]},
		{[]string{"endDate", at(-time.Millisecond)}, []string{"member.add"}},
		{[]string{"resourceType", "api_key", "action", "credential.issue", "offset", "1"}, []string{"credential.issue"}},
	} {
		a := read(c.filters...)
		if a.status != 200 || !slices.Equal(a.actions(), c.want) {
			t.Errorf("%v: got %d %v, want %v", c.filters, a.status, a.actions(), c.want)
		}
	}
	if a := read("action", "credential.issue", "limit", "1"); a.get("pagination.total") != 2.0 || a.get("pagination.hasMore") != true {
		t.Errorf("the total is of what is chosen: got %s", a.body)
	}
}

// What a filter can't be is a validation error that names it.
func logBounds(t *testing.T, read func(...string) answer) {
	zero := "usr_" + strings.Repeat("0", 32)
	for name, values := range map[string][]string{
		"limit": {"0", "101", "-1", "x", "1.5", "010", "+1", ""}, "offset": {"-1", "100001", "x", "99999999999999999999", ""},
		"actorType": {"operator", "USER", ""}, "actorId": {"x", zero, "org_" + strings.Repeat("1", 32), "01890000-0000-7000-8000-00000000abcd", ""},
		"resourceType": {"credential", "x", "%", ""}, "resourceId": {"x", zero, "01890000-0000-7000-8000-00000000abcd", "log_" + strings.Repeat("1", 32), ""},
		"startDate": {"yesterday", "2026-13-01T00:00:00Z", "2026-01-01", ""}, "endDate": {"0", "2026-01-01T00:00:00", ""},
		"page": {"1"}, "actor": {"operator"}, "sort": {"createdAt"}, "actorid": {"x"},
	} {
		for _, value := range values {
			read(name, value).invalid(name+"="+value, name)
		}
	}
	read("startDate", "2026-01-02T00:00:00Z", "endDate", "2026-01-01T00:00:00Z").invalid("the end before the start", "endDate")
	read("actorType", "api_key", "actorId", "usr_"+strings.Repeat("1", 32)).invalid("an id of another type", "actorId")
	read("resourceType", "api_key", "resourceId", "usr_"+strings.Repeat("1", 32)).invalid("an id of another type", "resourceId")
	read("limit", "100", "offset", "100000").want(200)
}

// Keys read it by their scope, of users owners and administrators alone.
func logReaders(t *testing.T, w *world, ada *person, key string) {
	far := w.personOf(w.other, "far", credential.Owner)
	far.signIn()
	admin, member, guest := w.member("admin", credential.Admin), w.member("member", credential.Member), w.member("guest", credential.Guest)
	want := w.do("GET", logOf(w.org), nil, apiKey(key))
	for _, p := range []*person{ada, admin} {
		if a := p.do("GET", logOf(w.org), nil); a.status != 200 || a.body != want.body {
			t.Errorf("%s sees %d %s", p.email, a.status, a.body)
		}
	}
	for _, p := range []*person{member, guest} {
		p.do("GET", logOf(w.org), nil).refused(p.email, 403, "")
	}
	narrow, _ := ada.madeKey("read:members", "write:projects")
	w.do("GET", logOf(w.org), nil, apiKey(narrow)).refused("without the scope", 403, "Missing required scope: read:audit-logs")
	everything, _ := ada.madeKey("*")
	w.do("GET", logOf(w.org), nil, apiKey(everything)).want(200)
	w.do("GET", logOf(w.org), nil).refused("nobody", 401, "Missing X-API-Key header")
	for _, present := range []func(*http.Request){apiKey(key), bearer(ada.access)} {
		w.do("GET", logOf(w.other), nil, present).refused("of another organization", 404, "")
	}
	if a := far.do("GET", logOf(w.other), nil); a.status != 200 || strings.Contains(a.body, orgID(w.org)) || strings.Contains(a.body, ada.email) {
		t.Errorf("another organization sees %d %s", a.status, a.body)
	}
}
