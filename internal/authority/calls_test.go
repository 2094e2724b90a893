package authority_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestCalls_HoldNoSecret: neither a path nor an agent, and a path has no query.
func TestCalls_HoldNoSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		c, secret := w.made("bunship_live")
		d := w.verify(secret, authority.Verification{})
		secrets := []string{secret, strings.ToLower(secret), secret[:16], "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "link-" + strings.Repeat("aB3", 13), "setup-" + strings.Repeat("x7", 13),
			"Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u", "sk9f8e7d6c5b4a39281706f5e4d3c2b1"}
		for _, scheme := range slices.Sorted(maps.Keys(map[string]bool{"gatehouse_key": true, "betahub_pat": true, "betahub_project_token": true, "onetest_key": true, "testkase_pat": true, "betatesting_static": true})) {
			_, text := w.made(scheme)
			secrets = append(secrets, text)
		}
		paths := map[string]string{}
		for _, s := range secrets {
			for _, format := range []string{"/v1/credentials/%s", "/%s", "/v1/x=%s/y", "/v1/%s/a", "/x/" + strings.Repeat("y/", 118) + "%s", "/é/:%s:/"} {
				w.clock.advance(time.Millisecond)
				path := fmt.Sprintf(format, s)
				paths[path] = s
				w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /x", Method: "GET", Path: path, Status: 404, UserAgent: "x\x00y"})
			}
		}
		keep := []string{"/v1/credentials/" + c.ID.String() + "/activity", "/" + authority.PublicID("org", w.org.ID) + "/keys", "/projects/pr-12/issues/7.json", "/api/v1/test-cycles/TCYCLE-1/results", "/" + strings.Repeat("é", 200), ""}
		for _, path := range keep {
			w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /x", Method: "GET", Path: path, Status: 200})
		}
		w.ok(w.Flush(background))
		list, err := w.Calls(background, w.op, authority.CallsRequest{Credential: c.ID, Limit: 1000})
		w.ok(err)
		kept := map[string]bool{}
		for _, call := range list {
			kept[call.Path] = true
			if len(call.Path) > 256 || strings.ContainsAny(call.UserAgent, "\x00") {
				t.Errorf("got %+v", call)
			}
			for _, s := range secrets {
				if strings.Contains(call.Path, s[:min(len(s), 12)]) && !slices.Contains(keep, call.Path) {
					t.Errorf("path %s holds the secret %s", call.Path, s)
				}
			}
		}
		for _, path := range keep {
			if short := path[:min(len(path), 255)]; !kept[path] && !kept[short] {
				t.Errorf("path %.60s isn't kept as it is", path)
			}
		}
		if len(list) != len(secrets)*6+len(keep) || !kept["/v1/credentials/…"] || !kept["/v1/x=…/y"] {
			t.Errorf("%d requests are kept", len(list))
		}
	})
}

// Requests are listed page by page, to those alone who look after the credential.
func TestCalls_PagesAndReaders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.restart(authority.Retention{RequestDays: 90}, nil)
		own := w.as("member")
		for i := range 25 {
			w.clock.advance(time.Millisecond)
			w.Answered(authority.Answer{Standing: &credential.Standing{Credential: own.Credential}, LetIn: true, Route: "GET /x", Method: "GET", Path: fmt.Sprint("/", i), Status: 200, Address: here, UserAgent: "curl/8"})
		}
		unlisted := authority.Answer{Standing: &credential.Standing{Credential: own.Credential}, LetIn: true, Route: "POST /v1/verify", Method: "POST", Path: "/v1/verify", Status: 200, Unlisted: true}
		w.Answered(unlisted)
		allow := storetest.Refuse(t, w.cfg, "INSERT", "requests")
		if err := w.Flush(background); err == nil {
			t.Error("a flush that failed says nothing")
		}
		allow()
		w.ok(w.Flush(background))
		var got []string
		for before := uuid.Nil; ; {
			page, err := w.Calls(background, own, authority.CallsRequest{Credential: own.Credential.ID, Before: before, Limit: 10})
			w.ok(err)
			for _, c := range page {
				got = append(got, c.Path)
				if c.Address != here || c.UserAgent != "curl/8" || c.Method != http.MethodGet || time.Since(c.At) < 0 {
					t.Errorf("got %+v", c)
				}
			}
			if len(page) < 10 {
				break
			}
			before = page[9].ID
		}
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprint("/", 24-i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		w.wantCounted("usage", w.counted(own, authority.UsageRequest{}, store.ByResource), map[string]int64{"": 1, "GET /x": 25, "POST /v1/verify": 1})
		for name, want := range map[string]credential.ErrorKind{"owner": "", "guest": credential.NotFound, "lead": credential.NotFound, "stranger": credential.NotFound} {
			if _, err := w.Calls(background, w.as(name), authority.CallsRequest{Credential: own.Credential.ID, Limit: 1}); want == "" && err != nil || want != "" && !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
		_, err := w.Calls(background, w.key("usage:read"), authority.CallsRequest{Credential: own.Credential.ID, Limit: 1})
		wantKind(t, "without the permission", err, credential.Forbidden)
	})
}

// What is older than it should be kept is deleted, some at a time, and the rest
// stays.
func TestForgetUsage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("bunship_live")
		d := w.verify(secret, authority.Verification{})
		w.restart(authority.Retention{UsageDays: 100, RequestDays: 50}, nil)
		for i := range 2500 { // more than go at once
			w.verify(secret, authority.Verification{Ours: true, Permission: credential.CredentialsVerify, Charge: authority.Charge{Resource: fmt.Sprint("GET /", i)}})
			w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 403})
		}
		w.ok(w.Flush(background))
		w.clock.advance(day)
		w.verify(secret, authority.Verification{})
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/last", Status: 403})
		w.ok(w.Flush(background))
		kept := func(what string, keep authority.Retention, usage, requests int) {
			t.Helper()
			w.restart(keep, nil)
			w.ok(w.ForgetUsage(background))
			u, r := strings.Count(storetest.Dump(t, w.raw(), "usage_days"), "outcome="), strings.Count(storetest.Dump(t, w.raw(), "requests"), "status=")
			if u != usage || r != requests {
				t.Errorf("%s: %d days of usage and %d requests are kept, want %d and %d", what, u, r, usage, requests)
			}
		}
		w.clock.advance(49*day - time.Millisecond)
		kept("up to the last day", authority.Retention{UsageDays: 100, RequestDays: 50}, 2503, 2501)
		w.clock.advance(2 * time.Millisecond)
		kept("behind it", authority.Retention{UsageDays: 51, RequestDays: 50}, 2503, 1)
		kept("a day less", authority.Retention{UsageDays: 49, RequestDays: 50}, 2, 1)
		kept("for good", authority.Retention{RequestDays: 0}, 2, 0)
		w.Answered(authority.Answer{Standing: d.Standing, Route: "GET /", Method: "GET", Path: "/", Status: 403})
		w.ok(w.Flush(background))
		kept("without single requests", authority.Retention{RequestDays: 0}, 2, 0)
	})
}

// Who is refused and goes on asking fills no disk: some of that is listed.
func TestCalls_Refused(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	_, secret := w.made("bunship_live")
	d := w.verify(secret, authority.Verification{})
	w.restart(authority.Retention{RequestDays: 90}, nil)
	for range 500 {
		w.Answered(authority.Answer{Standing: d.Standing, Route: "GET /", Method: "GET", Path: "/", Status: 429})
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	w.ok(w.Flush(background))
	rows := storetest.Dump(t, w.raw(), "requests")
	if refused, letIn := strings.Count(rows, "status=429"), strings.Count(rows, "status=200"); refused != 60 || letIn != 500 {
		t.Errorf("%d of 500 refused and %d of 500 others are listed, want 60 and all", refused, letIn)
	}
}

// Where more requests wait than there is room for, that is said once.
func TestCalls_TooMany(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	var logs bytes.Buffer
	w.restart(authority.Retention{RequestDays: 90}, slog.New(slog.NewTextHandler(&logs, nil)))
	_, secret := w.made("bunship_live")
	d := w.verify(secret, authority.Verification{})
	allow := storetest.Refuse(t, w.cfg, "INSERT", "requests")
	for range 40_000 {
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	for range 3 {
		if err := w.Flush(background); err == nil {
			t.Error("a flush that failed says nothing")
		}
		w.Answered(authority.Answer{Standing: d.Standing, LetIn: true, Route: "GET /", Method: "GET", Path: "/", Status: 200})
	}
	allow()
	w.ok(w.Flush(background))
	if n := strings.Count(logs.String(), "more requests wait"); n != 1 {
		t.Errorf("it is said %d times: %s", n, logs.String())
	}
	w.wantCounted("usage has them all", w.counted(w.op, authority.UsageRequest{}, store.ByResource), map[string]int64{"": 1, "GET /": 40_003})
}
