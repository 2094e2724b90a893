package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Results come in the files of test programs, packed or not, which are kept
// beside them. What is no file of the format stores nothing.
func TestTKO15_Files(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		id := fmt.Sprint(k.good("user", "POST", inProject(kaseCases), map[string]any{"title": "A case"})["automationId"])
		to := inProject(kaseCycles + "/TCYCLE-1/results")
		file := `<testsuite name="web"><testcase name="[` + id + `] valid login" time="0.5"/><testcase name="nobody's"><failure message="why"/></testcase></testsuite>`
		upload := func(name string, pairs ...string) reply {
			text := uploadOf(pairs...)
			return k.by(name).do("POST", to, nil, inParts, func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			})
		}
		const meta = `{"format":"junit","buildId":"1.2.3","runKey":"run 7","attempt":1,"ci":{"name":"Jenkins","number":5}}`
		a := upload("user", "meta", meta, "file:junit.xml", file, "file:more.xml", packed(t, strings.ReplaceAll(file, "valid", "later")))
		data, _ := a.body["data"].(map[string]any)
		k.wantMembers("the answer", data, "runId cycleId summary matched unmatched warnings url")
		if a.status != 201 || fmt.Sprint(data["summary"]) != "map[blocked:0 failed:2 passed:2 skipped:0 total:4]" || data["matched"] != 2.0 {
			t.Errorf("got %d %s", a.status, a.text)
		}
		k.wantResults("TCYCLE-1", "TC-1 Pass")
		again := upload("user", "meta", meta, "file:junit.xml", file, "file:more.xml", packed(t, strings.ReplaceAll(file, "valid", "later")))
		if again.status != 200 || again.text != a.text {
			t.Errorf("an exact repeat: got %d %s", again.status, again.text)
		}
		k.wantStatus("another file under the same name", upload("user", "meta", meta, "file:junit.xml", strings.ReplaceAll(file, "why", "how")), 409)

		run := k.good("guest", "GET", inProject(kaseCycles+"/TCYCLE-1/results/"+fmt.Sprint(data["runId"])), nil)
		files, _ := run["files"].([]any)
		if len(files) != 2 || fmt.Sprint(run["ci"]) != "map[name:Jenkins number:5]" || run["buildId"] != "1.2.3" {
			t.Fatalf("the upload is %v", run)
		}
		first, _ := files[0].(map[string]any)
		k.wantMembers("a file", first, "id name format size url")
		got := k.send("GET", strings.TrimPrefix(fmt.Sprint(first["url"]), k.url), nil, as(k.tokens["guest"]))
		if got.status != 200 || got.text != file || first["name"] != "junit.xml" || first["format"] != "junit" || first["size"] != float64(len(file)) {
			t.Errorf("the file %v is %d %s", first, got.status, got.text)
		}
		for what, path := range map[string]string{"another": "/99", "none": "/x", "a name": "/junit.xml"} {
			k.wantStatus(what+" file", k.by("user").do("GET", inProject(kaseCycles+"/TCYCLE-1/results/"+fmt.Sprint(data["runId"])+"/files"+path), nil), 404)
		}

		before := len(k.events("test_result.")) + len(k.events("artifact."))
		for what, c := range map[string]struct {
			field string
			pairs []string
		}{
			"no file": {"file", []string{"meta", meta}}, "no meta": {"meta", []string{"file:a.xml", file}}, "no format": {"format", []string{"meta", `{}`, "file:a.xml", file}},
			"another format": {"file", []string{"meta", `{"format":"nunit"}`, "file:a.xml", file}}, "cut off": {"file", []string{"meta", `{"format":"junit"}`, "file:good.xml", file, "file:a.xml", file[:70]}},
			"no gzip": {"file", []string{"meta", `{"format":"junit"}`, "file:a.xml", "\x1f\x8b" + file}}, "a bomb": {"file", []string{"meta", `{"format":"cucumber"}`, "file:a.json", packed(t, strings.Repeat(" ", 600<<10))}},
			"odd ci": {"ci", []string{"meta", `{"format":"junit","ci":5}`, "file:a.xml", file}}, "odd attempt": {"attempt", []string{"meta", `{"format":"junit","attempt":-1}`, "file:a.xml", file}},
		} {
			k.wantField(what, upload("user", c.pairs...), c.field)
		}
		if a := upload("user", "meta", `{"format":"junit"}`, "file:good.xml", file, "file:a.xml", "<html/>"); !strings.Contains(a.field("message"), "a.xml: it begins with <html>") {
			t.Errorf("the reason is %s", a.text)
		}
		k.wantStatus("an unknown member", upload("user", "meta", `{"formats":"junit"}`, "file:a.xml", file), 400)
		k.wantStatus("too large", upload("user", "meta", meta, "file:a.xml", strings.Repeat(" ", 70<<10)), 413)
		k.wantStatus("a guest", upload("guest", "meta", meta, "file:a.xml", file), 403)
		k.wantStatus("an outsider", upload("outsider", "meta", meta, "file:a.xml", file), 404)
		if after := len(k.events("test_result.")) + len(k.events("artifact.")); after != before {
			t.Errorf("what was refused is told: %d events, then %d", before, after)
		}
	})
}

// What an upload shows of tokens is taken out of the results and of the files,
// packed ones as well; the upload is a run with a number, of which tests learn.
func TestTKO15_FilesHoldNoSecrets(t *testing.T) {
	eachKase(t, func(t *testing.T, k *kase) {
		token := k.tokens["user"]
		file := `<testsuite name="web"><testcase name="logs in" classname="Login"><failure message="sent ` + token + `"/></testcase></testsuite>`
		text := uploadOf("meta", `{"format":"auto","buildId":"1","ci":{"provider":"jenkins","commit":"c0ffee"}}`, "file:junit.xml", file, "file:again.xml", packed(t, file))
		a := k.by("user").do("POST", inProject(kaseCycles+"/TCYCLE-1/results"), nil, inParts, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		})
		data, _ := a.body["data"].(map[string]any)
		if a.status != 201 {
			t.Fatalf("got %d %s", a.status, a.text)
		}
		path := kaseCycles + "/TCYCLE-1/results/" + fmt.Sprint(data["runId"])
		run := k.good("user", "GET", inProject(path), nil)
		files, _ := run["files"].([]any)
		if len(files) != 2 {
			t.Fatalf("the upload is %v", run)
		}
		masked := "tk_pat_" + strings.Repeat("*", len(token)-len("tk_pat_"))
		for _, f := range files {
			about, _ := f.(map[string]any)
			got := k.send("GET", strings.TrimPrefix(fmt.Sprint(about["url"]), k.url), nil, as(k.tokens["guest"]))
			if got.text != strings.ReplaceAll(file, token, masked) || about["format"] != "junit" {
				t.Errorf("a file is %v: %s", about, got.text)
			}
		}
		if all := fmt.Sprint(run["results"]); strings.Contains(all, token) || strings.Count(all, "sent "+masked) != 2 {
			t.Errorf("the results are %s", all)
		}
		if n := len(k.events("credential.exposed")); n != 1 {
			t.Errorf("the owner is told %d times, want once", n)
		}
	})
}

// packed packs a text by gzip.
func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
