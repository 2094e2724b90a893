package betahub_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const png = "\x89PNG\r\n\x1a\n…"

// stored counts the files that the world's directory has.
func (w *world) stored() (n int) {
	w.t.Helper()
	for _, pattern := range []string{"staged/*", "??/*"} {
		found, err := filepath.Glob(filepath.Join(w.files, pattern))
		w.ok(err)
		n += len(found)
	}
	return n
}

// Files of all kinds are added to an issue, listed and handed out.
func TestBHD21_BHD27_BHD28_Media(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		on := w.in("/issues/1")
		shot := w.send("dev", on+"/screenshots.json", "screenshot[image]:shot.png", png).want(201)
		shot.has("id", 1, "type", "screenshot", "issue_id", 1, "filename", "shot.png", "content_type", "image/png", "size_bytes", len(png), "media_size_bytes", len(png),
			"status", 1, "description", "", "developer_private", false, "user.name", "The dev", "url", fmt.Sprintf("%s%s/screenshots/1", w.url, w.in("/issues/1")))
		shot.members("created_at", "updated_at")
		w.send("dev", w.in("/issues/g-1/video_clips"), "video_clip[video]:clip.webm", "\x1a\x45\xdf\xa3webm").want(201).
			has("content_type", "video/webm", "processing", false, "processed", true, "failed", false)
		w.send("dev", on+"/log_files.json", "log_file[name]", "player.log", "log_file[developer_private]", "true", "log_file[file]:x", "<script>").want(201).
			has("filename", "player.log", "content_type", "text/plain; charset=utf-8", "developer_private", true)
		w.post("dev", on+"/log_files", "log_file[contents]=line+1%0Aline+2&log_file[name]=..%2Fa%2Fgame.log").want(201).has("filename", "game.log", "size_bytes", 13)
		w.send("dev", on+"/video_segments", "video_segment[position]", "2", "video_segment[merge_group]", "a", "video_segment[merge_total]", "3", "video_segment[video]:s", "\x00").want(201).
			has("segment.position", 2, "segment.merge_group", "a", "segment.merge_total", 3)
		w.send("dev", on+"/binary_files.json", "binary_file[file]:save.bin", "\x00\x01").want(201).has("content_type", "application/octet-stream")

		if got := w.get("dev", on+"/log_files.json").want(200).column("", "filename"); !same(got, "player.log", "game.log") {
			t.Errorf("a developer sees %v", got)
		}
		if got := w.get("viewer", on+"/log_files").want(200).column("", "filename"); !same(got, "game.log") {
			t.Errorf("a viewer sees %v", got)
		}
		file := w.get("viewer", on+"/screenshots/1").want(200)
		if file.body != png || file.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(file.header.Get("Content-Disposition"), "inline") || file.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("got %q, %v", file.body, file.header)
		}
		log := w.get("dev", on+"/log_files/3").want(200)
		if log.body != "<script>" || log.header.Get("Content-Disposition") != "attachment; filename=player.log" || !strings.HasPrefix(log.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("got %q, %v", log.body, log.header)
		}
		part := w.do(call{method: "GET", path: on + "/log_files/3", as: "dev", header: []string{"Range", "bytes=1-6", "Accept", "text/*"}}).want(206)
		if part.body != "script" {
			t.Errorf("got %q", part.body)
		}
		w.get("viewer", on+"/log_files/3").refused(404, "no such file")
		w.get("dev", on+"/screenshots/3").refused(404, "no such file")
		w.get("dev", on+"/log_files/9").refused(404, "no such file")
		w.get("outsider", on+"/screenshots/1").refused(403, "no access")
		w.get("", on+"/screenshots/1").refused(401, "")
		w.post("dev", w.in("/issues.json"), `{"title":"y"}`).want(201)
		w.get("dev", w.in("/issues/2/screenshots/1")).refused(404, "no such file")
	})
}

// What is wrong with a file is told, and nothing of it stays.
func TestF2_MediaLeaveNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		on := w.in("/issues/1/screenshots.json")
		large := strings.Repeat("x", 1<<20+1)
		w.send("dev", on, "screenshot[image]:a.png", large).refused(413, "1048576")
		w.send("dev", on, "screenshot[image]:a.png", "").refused(422, "empty")
		w.send("dev", on, "log_file[file]:a.log", "x").refused(422, "screenshot[image]")
		w.post("dev", on, "screenshot[contents]=x").refused(422, "screenshot[image]")
		w.post("dev", w.in("/issues/1/log_files"), "log_file[contents]=").refused(422, "empty")
		w.send("viewer", on, "screenshot[image]:a.png", png).refused(403, "issues:write")
		w.send("outsider", on, "screenshot[image]:a.png", png).refused(403, "no access")
		w.send("dev", w.in("/issues/2/screenshots"), "screenshot[image]:a.png", png).refused(404, "no such issue")
		w.send("dev", w.in("/issues/1/video_segments"), "video_segment[position]", "-1", "video_segment[video]:a", "x").refused(422, "position")
		w.do(call{method: "POST", path: on, as: "dev", body: "--x\r\ncut", header: []string{"Content-Type", "multipart/form-data; boundary=x"}}).refused(400, "form")
		if n := w.stored(); n != 0 || w.get("dev", on).body != "[]" {
			t.Errorf("%d files are left", n)
		}
		w.send("dev", on, "screenshot[image]:\u202egnp.\r\nexe", png).want(201).has("filename", "gnp.%0D%0Aexe")
		found, err := filepath.Glob(filepath.Join(w.files, "??/*"))
		w.ok(err)
		w.ok(os.Remove(found[0]))
		w.get("dev", w.in("/issues/1/screenshots/1")).refused(503, "operator")
	})
}

// A project's token adds to what it reported itself, for a day.
func TestBHD27_MediaOfGames(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		as := "FormUser " + w.reporter
		w.post(as, w.in("/issues.json"), "issue[description]=mine").want(201)
		w.post("dev", w.in("/issues.json"), `{"title":"not mine"}`).want(201)
		other := "FormUser " + w.issue(authority.IssueRequest{Scheme: "betahub_project_token", Name: "Other", Project: &store.ProjectRef{ID: w.alpha.ID},
			Scopes: []credential.Scope{"can_create_bug_report"}}).Secret.Reveal()
		add := func(as, issue string) answer {
			return w.send(as, w.in("/issues/"+issue+"/screenshots"), "screenshot[image]:a.png", png)
		}
		add(as, "g-1").want(201).has("user", nil)
		add(as, "2").refused(404, "no such issue")
		add(as, "3").refused(404, "no such issue")
		add(other, "1").refused(404, "no such issue")
		w.get(as, w.in("/issues/1/screenshots")).refused(403, "issues:read")
		w.ahead.Add(int64(24 * time.Hour))
		add(as, "1").refused(403, "a day ago")
		add("dev", "1").want(201)
		if n := w.stored(); n != 1 {
			t.Errorf("there are %d files of one content", n)
		}
	})
}

// A database that fails keeps no file, and one whose disk is full says so.
func TestF2_MediaWhileTheStoreFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		w := newWorld(t, cfg, betahub.ByRequest)
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		status := 500
		if cfg.DatabaseURL != "" { // which fails as if its disk were full
			status = 507
		}
		for table, left := range map[string]int{"artifacts": 0, "audit_events": 1} { // one that was kept before the commit failed belongs to nothing
			allow := storetest.Refuse(t, cfg, "INSERT", table)
			a := w.send("dev", w.in("/issues/1/screenshots"), "screenshot[image]:a.png", png)
			allow()
			if a.status != status || w.stored() != left {
				t.Errorf("%s: got %d %s, and %d files are left", table, a.status, a.body, w.stored())
			}
			w.ok(os.RemoveAll(w.files))
		}
		if got := w.get("dev", w.in("/issues/1/screenshots")).want(200).body; got != "[]" {
			t.Errorf("there are %s", got)
		}
		w.send("dev", w.in("/issues/1/screenshots"), "screenshot[image]:a.png", png).want(201)
	})
}

// What belongs to nothing is swept once it is old; what has a row stays.
func TestF4_MediaAreSwept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("dev", w.in("/issues.json"), `{"title":"x"}`).want(201)
		w.send("dev", w.in("/issues/1/screenshots"), "screenshot[image]:a.png", png).want(201)
		orphan, err := w.work.Files().Stage(strings.NewReader("nobody's"))
		w.ok(err)
		w.ok(orphan.Keep(w.now()))
		sweep := func(want int) {
			t.Helper()
			for part := range 256 {
				w.ok(w.work.Sweep(background, part))
			}
			if n := w.stored(); n != want {
				t.Errorf("%d files are left, want %d", n, want)
			}
		}
		sweep(2)
		w.ahead.Add(int64(25 * time.Hour))
		sweep(1)
		w.get("dev", w.in("/issues/1/screenshots/1")).want(200)
	})
}
