package onetest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

const (
	files = "/api/artifacts/api/v1"
	png   = "\x89PNG\r\n\x1a\n…"
)

// ofGame is a path below Space Game in the service of artifacts.
func (w *world) ofGame() string { return files + "/products/" + w.game.ID.String() + "/artifacts" }

// upload sends a form in parts: names and values by turns. A name with a : has
// the name of a file behind it.
func (w *world) upload(as, path string, header []string, parts ...string) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	w.ok(form.SetBoundary("a-boundary-that-stays"))
	for i := 0; i < len(parts); i += 2 {
		field, name, file := strings.Cut(parts[i], ":")
		part, err := form.CreateFormField(field)
		if file {
			part, err = form.CreateFormFile(field, name)
		}
		w.ok(err)
		_, err = io.WriteString(part, parts[i+1])
		w.ok(err)
	}
	w.ok(form.Close())
	return w.do(call{method: "POST", path: path, as: as, body: body.String(), header: append(header, "Content-Type", form.FormDataContentType())})
}

// A file is added to a product, listed, told of, handed out and taken away; what
// it is, its content says.
func TestOTO16_OTD21_Artifacts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.upload("key", w.ofGame(), nil, "file:shots/login.png", png).want(201)
		sum := sha256.Sum256([]byte(png))
		made.members("", "id product_id name content_type size sha256 created_by created_at").has("product_id", w.game.ID.String(), "name", "login.png", "content_type", "image/png",
			"size", len(png), "sha256", hex.EncodeToString(sum[:]), "created_by", w.key.Credential.ID.String(), "created_at", "2026-01-02T03:04:05Z")
		one := files + "/artifacts/" + made.text("id")
		if got := w.get("viewer", one).want(200); got.body != made.body {
			t.Errorf("it is shown as %s, and was made as %s", got.body, made.body)
		}
		for name, c := range map[string]struct{ content, media, shown string }{
			"a.jpg": {"\xff\xd8\xff…", "image/jpeg", "inline"}, "b.gif": {"GIF89a…", "image/gif", "inline"}, "c.pdf": {"%PDF-1.7…", "application/pdf", "attachment"},
			"d.png": {"<html>", "text/plain; charset=utf-8", "attachment"},
		} {
			id := w.upload("tester", w.ofGame(), nil, "name", name, "file:x", c.content).want(201).
				has("name", name, "content_type", c.media, "created_by", w.users["tester"].User.ID.String()).text("id")
			got := w.get("viewer", files+"/artifacts/"+id+"/content")
			if got.status != 200 || got.body != c.content || got.header.Get("Content-Type") != c.media || got.header.Get("Content-Disposition") != c.shown+"; filename="+name {
				t.Errorf("%s: got %d %q, %v", name, got.status, got.body, got.header)
			}
		}
		if part := w.do(call{method: "GET", path: one + "/content", as: "key", header: []string{"Range", "bytes=1-3"}}); part.status != 206 || part.body != "PNG" {
			t.Errorf("got %d %q", part.status, part.body)
		}

		list := w.get("viewer", w.ofGame()).want(200).has("total", 5, "page", 1, "page_size", 20, "items.4.id", made.text("id"))
		w.get("key", files+"/products/space-game/artifacts?page=2&page_size=3").want(200).has("total", 5, "items.0.id", list.text("items.3.id"), "items.2", nil)
		if a := w.do(call{method: "DELETE", path: one, as: "key"}).want(204); a.body != "" {
			t.Errorf("deleted with the body %s", a.body)
		}
		for _, path := range []string{one, one + "/content"} {
			w.get("key", path).refused(404, "no such file")
		}
		w.do(call{method: "DELETE", path: one, as: "key"}).refused(404, "no such file")
		w.get("key", w.ofGame()).want(200).has("total", 4)

		again := w.upload("key", w.ofGame(), []string{"Idempotency-Key", "one"}, "file:x", "once").want(201)
		if got := w.upload("key", w.ofGame(), []string{"Idempotency-Key", "one"}, "file:x", "once").want(201); got.body != again.body {
			t.Errorf("a repeat is answered with %s, and the first call with %s", got.body, again.body)
		}
		w.upload("key", w.ofGame(), []string{"Idempotency-Key", "one"}, "file:x", "twice").faulty("header.Idempotency-Key")
		w.get("key", w.ofGame()).want(200).has("total", 5)
	})
}

// What can't be taken is refused, and who may not, before the file is read.
// Nothing tells who doesn't see a product of its files.
func TestOTO16_OTD2_ArtifactsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		large := strings.Repeat("x", 1<<20+1)
		w.upload("key", w.ofGame(), nil, "file:x", large).refused(413, "1048576 bytes")
		for _, parts := range [][]string{{"file:x", ""}, {"file", "no file"}, {"other:x", "x"}, {"file:x", "x", "file:y", "y"}, {}} {
			if a := w.upload("key", w.ofGame(), nil, parts...); a.status != 422 && a.status != 400 {
				t.Errorf("%v: got %d %s", parts, a.status, a.body)
			}
		}
		w.upload("key", w.ofGame(), nil, "other:x", "x").faulty("body.file")
		w.post("key", w.ofGame(), `{"file":"x"}`).faulty("body.file")
		w.get("key", w.ofGame()).want(200).has("total", 0)

		reads, writes := "Bearer "+w.issue("artifacts:read").Secret.Reveal(), "Bearer "+w.issue("artifacts:write").Secret.Reveal()
		id := w.upload(writes, w.ofGame(), nil, "file:x", "x").want(201).text("id")
		secret := w.upload("admin", files+"/products/hidden/artifacts", nil, "file:x", "x").want(201).text("id")
		w.upload(reads, w.ofGame(), nil, "file:x", large).refused(403, "artifacts:write")
		w.upload("viewer", w.ofGame(), nil, "file:x", large).refused(403, "artifacts:write")
		w.upload("key", files+"/products/hidden/artifacts", nil, "file:x", large).refused(403, "another product")
		w.upload("outsider", w.ofGame(), nil, "file:x", large).refused(404, "no such project")
		for path, may := range map[string]struct{ reads, writes, viewer, outsider, admin int }{
			w.ofGame():                                {200, 403, 200, 404, 200},
			files + "/artifacts/" + id:                {200, 403, 200, 404, 200},
			files + "/artifacts/" + secret:            {404, 403, 404, 404, 200},
			files + "/artifacts/nothing":              {404, 403, 404, 404, 404},
			files + "/products/hidden/artifacts":      {403, 403, 404, 404, 200},
			files + "/products/far/artifacts":         {403, 403, 404, 404, 404},
			files + "/artifacts/" + w.far.ID.String(): {404, 403, 404, 404, 404},
		} {
			for as, status := range map[string]int{reads: may.reads, writes: may.writes, "viewer": may.viewer, "outsider": may.outsider, "admin": may.admin} {
				w.get(as, path).want(status)
			}
		}
		remove := func(as, id string) answer {
			return w.do(call{method: "DELETE", path: files + "/artifacts/" + id, as: as})
		}
		remove(reads, id).refused(403, "artifacts:write")
		remove("viewer", id).refused(403, "artifacts:write")
		remove("outsider", id).refused(404, "no such file")
		remove(writes, secret).refused(404, "no such file")
		remove("tester", id).want(204)
	})
}

// A product has as many files as are counted and paged through, and no more.
func TestOTO16_ArtifactsHaveABound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		t.Parallel()
		w := newWorld(t, cfg)
		w.upload("key", w.ofGame(), nil, "file:x", "x").want(201)
		id := `printf('00000000-0000-7000-8000-%012x', i)`
		if cfg.DatabaseURL != "" {
			id = `('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`
		}
		storetest.Exec(t, storetest.Raw(t, cfg), `INSERT INTO artifacts (id, number, project_id, noun, owner_id, kind, name, type, size, sha256, private, detail, created_at)
			SELECT `+id+`, 1000000 + i, project_id, noun, owner_id, kind, name, type, size, sha256, private, detail, created_at
			FROM artifacts, (WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n) AS others`)
		w.upload("key", w.ofGame(), nil, "file:last", "y").want(201)
		w.get("key", w.ofGame()+"?page=100&page_size=100").want(200).has("total", 10000, "items.98.name", "last")
		w.upload("key", w.ofGame(), nil, "file:x", "z").refused(409, "10000 files")
		w.get("key", w.ofGame()+"?page=101&page_size=100").faulty("query.page")
	})
}
