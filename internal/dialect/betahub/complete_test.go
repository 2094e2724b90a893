package betahub_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
)

// nowhere is an address that isn't known.
var nowhere netip.Addr

// Whoever reports by a project's token gets one of the report, which completes
// it for a day and does nothing else.
func TestF5_BHD26_BHD27_BHO20_TokenOfAReport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		as := "FormUser " + w.reporter
		one := w.post(as, w.in("/issues.json"), "issue[description]=one").want(201)
		token, _ := one.get("token").(string)
		if strings.Count(token, ".") != 2 || !strings.HasPrefix(token, "eyJ") {
			t.Fatalf("the token is %q", token)
		}
		two, _ := w.post(as, w.in("/issues.json"), "issue[description]=two").want(201).get("token").(string)
		w.post("dev", w.in("/issues.json"), `{"title":"mine"}`).want(201).has("token", nil)
		w.get("dev", w.in("/issues/1")).want(200).has("token", nil)

		add := func(as, issue string) answer {
			w.t.Helper()
			return w.send(as, w.in("/issues/"+issue+"/screenshots"), "screenshot[image]:a.png", png)
		}
		add("Bearer "+token, "g-1").want(201)
		add(as+","+token, "1").want(201)
		add(as+","+two, "1").refused(404, "no such issue")
		add("Bearer "+token, "2").refused(404, "no such issue")
		add("Bearer "+token, "3").refused(404, "no such issue")
		for name, wrong := range map[string]string{
			"cut": token[:len(token)-2], "changed": strings.Replace(token, ".", ".e30", 1), "of nobody": token[:strings.LastIndex(token, ".")+1],
			"two in one": token[:strings.LastIndex(token, ".")] + two[strings.LastIndex(two, "."):],
		} {
			if a := add("Bearer "+wrong, "1"); a.status != 401 {
				t.Errorf("%s: got %d %s", name, a.status, a.body)
			}
		}
		bearer := "Bearer " + token
		w.get(bearer, w.in("/issues/1.json")).refused(403, "issues:read")
		w.get(bearer, w.in("/issues/1/screenshots")).refused(403, "issues:read")
		w.get(bearer, "/projects.json").refused(403, "")
		w.post(bearer, w.in("/issues.json"), `{"title":"x"}`).refused(403, "")
		w.post(bearer, w.in("/issues/1/comments.json"), `{"body":"x"}`).refused(403, "")
		w.patch(bearer, w.in("/issues/1.json"), `{"status":"closed"}`).refused(403, "")
		w.post(bearer, "/auth/verify", "").want(200).has("valid", true, "token_type", "jwt", "project.name", "Alpha", "expires_at", "2026-01-03T03:04:05Z")
		if _, err := w.Exchange(background, authority.ExchangeRequest{Subject: token}); err == nil {
			t.Error("it was traded for another")
		}

		w.ahead.Add(int64(24*time.Hour - time.Second))
		add(bearer, "1").want(201)
		w.ahead.Add(int64(time.Second))
		add(bearer, "1").refused(401, "expired")
		fresh, _ := w.post(as, w.in("/issues.json"), "issue[description]=x").want(201).get("token").(string)
		add("Bearer "+fresh, "4").want(201)
		w.ok(w.RevokeByPossession(background, fresh, nowhere, ""))
		add("Bearer "+fresh, "4").refused(401, "")
		last, _ := w.post(as, w.in("/issues.json"), "issue[description]=x").want(201).get("token").(string)
		w.ok(w.RevokeByPossession(background, w.reporter, nowhere, "")) // and so ends what stands on it
		add("Bearer "+last, "5").refused(401, "revoked")
	})
}

// A draft is nobody's to see until it is published.
func TestBHD25_BHD30_BHD31_Drafts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		url := "https://hooks.example.com/"
		hook, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url})
		w.ok(err)
		as := "FormUser " + w.reporter
		draft := w.post(as, w.in("/issues.json"), "issue[description]=It+freezes&issue[release_label]=1.0&issue[custom][os]=Linux&draft=true").want(201).
			has("id", 1, "title", "It freezes", "release.label", "1.0")
		bearer := fmt.Sprint("Bearer ", draft.get("token"))
		on := w.in("/issues/g-1")
		w.send(bearer, on+"/screenshots", "screenshot[image]:a.png", png).want(201)
		w.post(bearer, on+"/set_reporter_email", "email=Ada@Example.test").want(200).has("reported_by.name", "ada@example.test", "reported_by.virtual", true)
		w.post(bearer, on+"/set_reporter_email", "email=nobody").refused(422, "email")
		for _, path := range []string{"/issues/1.json", "/issues/1/screenshots", "/issues/search.json?scoped_id=1"} {
			w.get("owner", w.in(path)).refused(404, "no such issue")
		}
		w.get("owner", w.in("/issues/search.json?query=freezes")).want(200).has("pagination.total_count", 0)
		if got := w.get("owner", w.in("/issues.json")).want(200).body; got != "[]" {
			t.Errorf("it is listed: %s", got)
		}
		w.patch("owner", w.in("/issues/1.json"), `{"title":"x"}`).refused(404, "no such issue")
		told := func() (list []string) {
			deliveries, err := w.Deliveries(background, w.op, authority.WebhookRef{Organization: w.org.ID, ID: hook.Webhook.ID}, uuid.Nil, 10)
			w.ok(err)
			for _, d := range deliveries {
				list = append(list, d.Event)
			}
			return list
		}
		if got := told(); len(got) != 0 {
			t.Errorf("webhooks were told of %v", got)
		}
		w.ahead.Add(int64(time.Hour))
		for range 2 { // once more changes nothing
			w.post(bearer, on+"/publish", "email_my_report=True").want(200).
				has("id", 1, "description", "It freezes", "custom.os", "Linux", "release.label", "1.0", "reported_by.name", "ada@example.test", "created_at", "2026-01-02T04:04:05Z")
		}
		if got := told(); len(got) != 1 || got[0] != "issue.created" {
			t.Errorf("webhooks were told of %v", got)
		}
		w.get("dev", w.in("/issues/1.json")).want(200)
		w.get("dev", w.in("/issues/1/screenshots")).want(200).has("0.filename", "a.png")
		w.get("dev", w.in("/issues/search.json?query=freezes")).want(200).has("issues.0.id", 1)
		w.post(bearer, on+"/set_reporter_email", `{"email":"bob@example.test"}`).want(200).has("reported_by.name", "bob@example.test")

		w.do(call{method: "POST", path: w.in("/feature_requests.json"), as: as, body: "feature_request[description]=More&draft=true", header: []string{"Idempotency-Key", "k"}}).want(201).has("id", 2)
		again := w.do(call{method: "POST", path: w.in("/feature_requests.json"), as: as, body: "feature_request[description]=More&draft=true", header: []string{"Idempotency-Key", "k"}}).want(201).has("id", 2)
		bearer = fmt.Sprint("Bearer ", again.get("token"))
		w.post(bearer, w.in("/tickets/2/publish"), "").want(404)
		w.post(bearer, w.in("/issues/1/publish"), "").refused(404, "no such issue")
		w.post(bearer, w.in("/feature_requests/2/publish.json"), `{"email_my_report":false}`).want(200).has("category", "feature_request")
		w.get("dev", w.in("/feature_requests.json")).want(200).has("feature_requests.0.id", 2)
		w.post("dev", w.in("/issues.json"), `{"title":"mine","draft":true}`).want(201).has("token", nil, "reported_by.name", "The dev")
		w.post("dev", w.in("/issues/3/set_reporter_email"), `{"email":"a@b.test"}`).refused(409, "known")
		w.post("viewer", w.in("/issues/3/publish"), "").refused(403, "issues:write")
		w.post("lead", w.in("/issues/3/publish"), "").want(200).has("reported_by.name", "The dev")
	})
}

// What was begun and came to nothing is forgotten, with its files.
func TestDraftsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		as := "FormUser " + w.reporter
		w.send(as, w.in("/issues.json"), "issue[description]", "x", "draft", "true", "file:a.png", png).want(201)
		w.send(as, w.in("/issues.json"), "issue[description]", "x", "file:a.png", png+"2").want(201)
		forget := func() {
			t.Helper()
			w.ok(w.store.ForgetUnfinished(background, w.now().Add(-48*time.Hour)))
		}
		forget()
		w.post("dev", w.in("/issues/1/publish"), "").want(200)
		w.post(as, w.in("/issues.json"), "issue[description]=x&draft=true").want(201)
		w.ahead.Add(int64(49 * time.Hour))
		forget()
		w.post("dev", w.in("/issues/3/publish"), "").refused(404, "no such issue")
		for _, path := range []string{"/issues/1/screenshots/1", "/issues/2/screenshots/2"} {
			w.get("dev", w.in(path)).want(200)
		}
	})
}

// A file is announced, sent to where it is expected, and confirmed.
func TestBHD29_DirectUploads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		as := "FormUser " + w.reporter
		bearer := fmt.Sprint("Bearer ", w.post(as, w.in("/issues.json"), "issue[description]=x").want(201).get("token"))
		sum := md5.Sum([]byte(png))
		checksum := base64.StdEncoding.EncodeToString(sum[:])
		announce := func(as, issue string, size int, checksum string) answer {
			w.t.Helper()
			return w.post(as, w.in("/issues/"+issue+"/presigned_upload"), fmt.Sprintf(`{"filename":"../shot.png","byte_size":%d,"checksum":%q,"content_type":"image/png"}`, size, checksum))
		}
		announced := announce(bearer, "g-1", len(png), checksum).want(201)
		id, url := announced.get("blob_signed_id").(string), announced.get("direct_upload_url").(string)
		announced.has("direct_upload.url", url, "headers.Authorization", nil, "headers.Content-Type", "image/png", "direct_upload.headers.Content-Type", "image/png")
		if secret := strings.TrimPrefix(bearer, "Bearer "); strings.Contains(announced.body, secret) {
			t.Error("the answer repeats the caller's credential")
		}
		put := func(body string) answer {
			w.t.Helper()
			return w.do(call{method: "PUT", path: strings.TrimPrefix(url, w.url), as: bearer, body: body, header: []string{"Content-Type", "image/png"}})
		}
		confirm := func(as, issue, id, name string) answer {
			w.t.Helper()
			return w.post(as, w.in("/issues/"+issue+"/confirm_upload.json"), fmt.Sprintf(`{"blob_signed_id":%q,"name":%q}`, id, name))
		}
		confirm(bearer, "1", id, "").refused(409, "not come yet")
		put("another").refused(422, "checksum")
		put(strings.ToUpper(png)).refused(422, "checksum")
		put(strings.Repeat("x", 1<<20+1)).refused(413, "1048576")
		if n := w.stored(); n != 0 {
			t.Errorf("%d files are left", n)
		}
		put(png).want(204)
		put(png).want(204)
		if got := w.get("dev", w.in("/issues/1/screenshots")).want(200).body; got != "[]" {
			t.Errorf("before it is confirmed there is %s", got)
		}
		confirm(bearer, "1", id, "mine.png").want(201).has("type", "screenshot", "filename", "mine.png", "media_size_bytes", len(png), "status", 1)
		confirm(bearer, "1", id, "other.png").want(201).has("filename", "mine.png")
		w.get("dev", w.in("/issues/1/screenshots")).want(200).has("0.filename", "mine.png", "1", nil)
		w.get("dev", w.in("/issues/1/screenshots/1")).want(200)

		announce(bearer, "1", 0, checksum).refused(422, "byte_size")
		announce(bearer, "1", 1<<21, checksum).refused(413, "1048576")
		announce(bearer, "1", 9, "x").refused(422, "checksum")
		announce(bearer, "2", 9, checksum).refused(404, "no such issue")
		announce("viewer", "1", 9, checksum).refused(403, "issues:write")
		w.post("dev", w.in("/issues.json"), `{"title":"y"}`).want(201)
		confirm("dev", "2", id, "").refused(422, "blob_signed_id")
		confirm("dev", "1", id+"x", "").refused(422, "blob_signed_id")
		confirm("dev", "1", "", "").refused(422, "blob_signed_id")
		url = announce(bearer, "1", len(png), checksum).want(201).get("direct_upload_url").(string)
		w.ahead.Add(int64(time.Hour))
		put(png).refused(422, "time is over")
		left := announce(bearer, "1", len(png), checksum).want(201)
		url = left.get("direct_upload_url").(string)
		put(png).want(204)
		w.ahead.Add(int64(49 * time.Hour))
		w.ok(w.store.ForgetUnfinished(background, w.now().Add(-48*time.Hour)))
		confirm("dev", "1", left.get("blob_signed_id").(string), "").refused(409, "not come yet")
	})
}
