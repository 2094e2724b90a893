package onetest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/dialect/onetest"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// raw sends a body as it is, without saying how long it is.
func (w *world) raw(path, media, body string) answer {
	w.t.Helper()
	req, err := http.NewRequest("POST", w.url+path, struct{ io.Reader }{strings.NewReader(body)}) // of which nobody knows the length
	w.ok(err)
	req.Header.Set("Content-Type", media)
	req.Header.Set("Authorization", "Bearer "+w.tokens["key"])
	res, err := http.DefaultClient.Do(req)
	w.ok(err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	w.ok(err)
	return answer{w.t, "POST " + path, res.StatusCode, string(got), res.Header}
}

// logForm is a form as the client of agents writes it, with an empty line before
// the JSON; files are names with their parts of a header, and contents by turns.
func logForm(logs string, files ...string) string {
	var b strings.Builder
	b.WriteString("--12345\r\nContent-Disposition: form-data; name=\"json_request_part\"\r\nContent-Type: application/json\r\n\r\n\r\n" + logs + "\r\n")
	for i := 0; i < len(files); i += 2 {
		b.WriteString("--12345\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + files[i] + "\"\r\nContent-Type: any/thing\r\n\r\n" + files[i+1] + "\r\n")
	}
	return b.String() + "--12345--\r\n"
}

// Logs, as JSON and in forms with files.
func TestOTD29_OTD30_OTD44_OTO23_Logs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		launch := w.launch("")
		item := w.item(launch, "", "step: a test")
		const media = "multipart/form-data; boundary=12345"
		about := func(more string) string {
			return `{"launchUuid":"` + launch + `","itemUuid":"` + item + `"` + more + `}`
		}

		w.post("key", v2+"/log", about(`,"time":"1767323046000","message":"# hi","level":"info"`)).want(201).members("", "id")
		w.raw(v1+"/log", "application/json", about(`,"message":"chunked","level":""`)).want(201)
		first := w.raw(v2+"/log", media, logForm(`[`+about(`,"time":1767323046001,"message":"a shot","level":"error","file":{"name":"shot"}`)+`]`, "shot", png)).want(201).members("", "responses").text("responses.0.id")
		many := `[` + about(`,"message":"one","level":"TRACE"`) + `,` + about(`,"message":"two","file":{"name":"dir/same.txt"}`) + `,` + about(`,"message":"three","file":{"name":"same.txt"}`) + `,` +
			about(`,"message":"four","file":{"name":"nothing"}`) + `,` + about(`,"message":"five","file":{"name":"a \"name\".txt"}`) + `,{"launchUuid":"` + launch + `","itemUuid":"","message":"of the launch"}]`
		w.raw(v2+"/log", media, logForm(many, "same.txt", "the first", "same.txt", "the second", "nothing", "", `a "name".txt`, "quoted")).want(201).members("responses.5", "id")
		logs := w.get("key", v1+"/log/item/"+item).want(200).has("page.totalElements", 8, "content.0.message", "# hi", "content.0.level", "INFO", "content.0.time", 1767323046000, "content.1.level", "UNKNOWN",
			"content.2.uuid", first, "content.2.binaryContent.contentType", "image/png", "content.2.binaryContent.name", "shot", "content.2.level", "ERROR", "content.3.message", "one", "content.3.binaryContent", nil, "content.6.binaryContent", nil)
		for n, want := range map[int]string{2: png, 4: "the first", 5: "the second", 7: "quoted"} {
			id := logs.text(fmt.Sprintf("content.%d.binaryContent.id", n))
			if a := w.get("key", files+"/artifacts/"+id+"/content"); a.status != 200 || a.body != want {
				t.Errorf("the file of log %d is %d %q, want %q", n, a.status, a.body, want)
			}
			w.get("viewer", files+"/artifacts/"+id).want(200).has("product_id", w.game.ID.String())
			w.do(call{method: "DELETE", path: files + "/artifacts/" + id, as: "admin"}).refused(404, "no such file")
		}
		w.get("key", v1+"/log?filter.eq.launchId="+launch).want(200).has("page.totalElements", 1, "content.0.message", "of the launch", "content.0.itemUuid", nil)

		long := strings.Repeat("é", 40_000)
		w.post("key", v2+"/log", about(`,"message":"`+long+`"`)).want(201)
		if kept := w.get("key", v1+"/log/item/"+item+"?page.page=9&page.size=1").want(200).text("content.0.message"); len(kept) > 66_000 || !strings.HasPrefix(kept, long[:65_534]) || !strings.HasSuffix(kept, "(cut: only the first 64 KB are kept)") {
			t.Errorf("%d bytes are kept: …%q", len(kept), kept[len(kept)-60:])
		}
		before := w.rows(`SELECT COUNT(*) FROM launch_logs`)
		w.raw(v2+"/log", media, logForm(`[`+about(`,"message":"x"`)+`,`+about(`,"message":"y","file":{"name":"missing"}`)+`]`, "other", "x")).faulty("body.file")
		w.raw(v2+"/log", media, logForm(`[`+about(`,"message":"x"`)+`,{"message":"x","itemUuid":"01890000-0000-7000-8000-00000000abcd"}]`)).refused(404, "no such item")
		w.raw(v2+"/log", media, logForm(`{"message":"no list"}`)).want(422)
		w.raw(v2+"/log", media, "--12345--\r\n").faulty("body.json_request_part")
		w.raw(v2+"/log", media, logForm(`[`+about(`,"file":{"name":"large"}`)+`]`, "large", strings.Repeat("x", 1<<20+1))).refused(413, "1048576 bytes")
		w.raw(v2+"/log", media, logForm(`[`+about(``)+`]`, "large", strings.Repeat("x", 65<<20))).refused(413, "")
		w.raw(v2+"/log", media, logForm(`[`+strings.Repeat(about(``)+`,`, 1_000)+about(``)+`]`)).refused(413, "1000 logs")
		w.raw(v2+"/log", "application/json", about(`,"message":"`+strings.Repeat("x", 17<<20)+`"`)).refused(413, "")
		if after := w.rows(`SELECT COUNT(*) FROM launch_logs`); after != before {
			t.Errorf("%d logs were stored of calls that were refused", after-before)
		}
	})
}

// A JUnit report becomes a launch with results.
func TestOTD22_OTD23_OTO24_JUnit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const report = `<?xml version="1.0"?><testsuites tests="99" failures="0"><testsuite name="s" tests="1"><testcase classname="pkg.Login" name="[48271] valid" time="1.5"/>
			<testcase classname="pkg.Login" name="fails" time="0.5"><failure message="the page stays empty">at login.py:7</failure></testcase><testcase name="alone"><skipped/></testcase>
			<testcase classname="pkg.Login" name="breaks"><error message="no server"/></testcase></testsuite></testsuites>`
		w.made(w.product("/test-cases"), `{"title":"Fails","automation_test_id":"pkg.Login.fails"}`)
		for n, path := range []string{"/api/receiver/api/v1/products/" + w.game.ID.String() + "/import/junit/upload", "/api/receiver/api/v1/products/space-game/import/junit", "/api/v1/products/" + w.game.ID.String() + "/import/junit"} {
			a := w.upload("key", path, nil, "file:Nightly.xml", report).want(201).members("", "launch_id launch_link summary warnings").members("summary", "total passed failed skipped").
				has("summary.total", 4, "summary.passed", 1, "summary.failed", 2, "summary.skipped", 1)
			if !strings.Contains(a.body, `"warnings":[]`) || !strings.HasPrefix(a.text("launch_link"), w.url) {
				t.Errorf("got %s", a.body)
			}
			launch := a.text("launch_id")
			got := w.get("key", v1+"/launch/uuid/"+launch).want(200).tells("failed", 4, 1, 2, 1, 0).has("name", "Nightly", "number", n+1)
			items := w.get("key", v1+"/item?filter.eq.launchId="+launch).want(200).has("page.totalElements", 4, "content.0.codeRef", "pkg.Login.[48271] valid", "content.0.status", "passed", "content.0.name", "[48271] valid",
				"content.1.codeRef", "pkg.Login.fails", "content.1.status", "failed", "content.2.codeRef", "s.alone", "content.2.status", "skipped", "content.3.status", "failed")
			for i := range 4 {
				items.has(fmt.Sprintf("content.%d.parentUuid", i), nil, fmt.Sprintf("content.%d.type", i), "STEP")
			}
			if took := items.get("content.0.endTime").(float64) - items.get("content.0.startTime").(float64); took != 1500 {
				t.Errorf("a test took %v ms", took)
			}
			if log := w.get("key", v1+"/log/item/"+items.text("content.1.uuid")).want(200).has("content.0.level", "ERROR").text("content.0.message"); !strings.Contains(log, "the page stays empty") {
				t.Errorf("why it failed is %q", log)
			}
			run, _, err := w.work.TestRun(background, w.op, master(w), partOf(got.text("runId")))
			w.ok(err)
			if run.Counts.Total != 4 || run.Matched != 1 || run.Errors != 1 || run.Source != "launch" {
				t.Errorf("its results are %+v", run)
			}
		}
		import1 := "/api/v1/products/space-game/import/junit"
		before := w.rows(`SELECT COUNT(*) FROM launches`)
		for _, broken := range []string{"", "no xml", "<testsuite><testcase name='x'", "<html/>", `{"tests":1}`} {
			if a := w.upload("key", import1, nil, "file:x.xml", broken); a.status != 422 {
				t.Errorf("%q: %d %s", broken, a.status, a.body)
			}
		}
		w.upload("key", import1, nil, "report:x.xml", report).faulty("body.file")
		w.upload("key", import1, nil, "file:a.xml", report, "file:b.xml", report).faulty("body.file")
		w.post("key", import1, `{"file":"x"}`).faulty("body.file")
		w.upload("key", import1, nil, "file:x.xml", strings.Repeat(" ", 10<<20+1)).refused(413, "")
		w.upload("viewer", import1, nil, "file:x.xml", report).refused(403, "results:write")
		w.upload("", import1, nil, "file:x.xml", report).want(401)
		if after := w.rows(`SELECT COUNT(*) FROM launches`); after != before || w.rows(`SELECT COUNT(*) FROM test_runs`) != 3 {
			t.Errorf("%d launches were made of what isn't a report", after-before)
		}
	})
}

// FuzzLoose reads times and attributes, whatever they are.
func FuzzLoose(f *testing.F) {
	for _, seed := range []string{`1767323045000`, `"1767323045000"`, `"2026-01-02T03:04:05.123456789Z"`, `null`, `1e9`, `-0`, `"\ud83d"`, `[{"key":"k","value":1,"system":true},{"value":"v"}]`, `{}`, `[null]`, `"0001-01-01T00:00:00Z"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if at, err := onetest.ReadTime(text); err == nil && !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999 || at.Location() != time.UTC) {
			t.Errorf("%q is %v", text, at)
		}
		list, err := onetest.ReadAttributes(text)
		for _, a := range list {
			if err == nil && len(bytes.TrimSpace([]byte(a.Value))) == 0 {
				t.Errorf("%q has an attribute without a value", text)
			}
		}
	})
}

// Our secrets are masked wherever they stand in what is reported, and their
// owner is told; other texts and files stay as they are.
func TestReportedSecretsAreMasked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := w.tokens["key"]
		launch := w.post("key", v2+"/launch", `{"name":"of `+secret+`","description":"`+secret+`","attributes":[{"key":"key","value":"`+secret+`"}]}`).want(201).text("id")
		item := w.item(launch, "", "step: with "+secret, `,"codeRef":"a/`+secret+`","description":"`+secret+`","parameters":[{"key":"k","value":"`+secret+`"}]`)
		w.put("key", v2+"/item/"+item, `{"status":"failed","description":"sent `+secret+` away"}`).want(200)
		w.post("key", v2+"/log", `{"message":"Authorization: Bearer `+secret+`","itemUuid":"`+item+`"}`).want(201)
		var packed, plain bytes.Buffer
		for text, into := range map[string]*bytes.Buffer{"key " + secret: &packed, "nothing of ours": &plain} {
			z := gzip.NewWriter(into)
			_, err := z.Write([]byte(text))
			w.ok(errors.Join(err, z.Close()))
		}
		about := `{"itemUuid":"` + item + `","message":"x","file":{"name":"`
		w.raw(v2+"/log", "multipart/form-data; boundary=12345", logForm(`[`+about+`a.txt"}},`+about+`b.gz"}},`+about+`c.gz"}}]`, "a.txt", "key "+secret+" here", "b.gz", packed.String(), "c.gz", plain.String())).want(201)
		w.upload("key", "/api/v1/products/space-game/import/junit", nil, "file:x.xml", `<testsuite><testcase name="`+secret+`"><failure message="`+secret+`"/></testcase></testsuite>`).want(201)
		w.put("key", v2+"/launch/"+launch+"/finish", `{"description":"done `+secret+`"}`).want(200)
		for path, want := range map[string]string{"/launch/uuid/" + launch: "done ak_***", "/item/uuid/" + item: "sent ak_***", "/log/item/" + item: "Bearer ak_***", "/launch": "ak_***", "/item": "ak_***"} {
			if got := w.get("key", v1+path).want(200).body; strings.Contains(got, secret) || !strings.Contains(got, want) {
				t.Errorf("%s shows %s", path, got)
			}
		}
		logs := w.get("key", v1+"/log/item/"+item).want(200)
		for n, want := range map[int]string{1: "key ak_" + strings.Repeat("*", 32) + " here", 2: "key ak_" + strings.Repeat("*", 32), 3: plain.String()} {
			if got := w.get("key", files+"/artifacts/"+logs.text(fmt.Sprintf("content.%d.binaryContent.id", n))+"/content"); got.body != want {
				t.Errorf("the file of log %d is %q, want %q", n, got.body, want)
			}
		}
		if dump := storetest.Dump(t, storetest.Raw(t, w.at)); strings.Contains(dump, secret) {
			t.Error("the secret is in the database")
		}
		if n := w.rows(`SELECT COUNT(*) FROM audit_events WHERE action = 'credential.exposed'`); n != 1 {
			t.Errorf("its owner was told %d times", n)
		}
	})
}
