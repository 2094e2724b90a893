package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
)

// workStops are the pages of a project's work.
func workStops(w *tour) []stop {
	w.picture()
	w.startRun()
	w.reportFile()
	empty := "{org}/projects/" + w.Projects[1].OneTestID
	stops := []stop{
		{name: "overview", as: "owner", path: "{project}"},
		{name: "overview-of-a-branch", as: "guest", path: "{project}?branch=docking-rewrite"},
		{name: "overview-empty", as: "owner", path: empty},

		{name: "runs", as: "owner", path: "{project}/runs"},
		{name: "runs-no-match", as: "owner", path: "{project}/runs?branch=nowhere"},
		{name: "run", as: "owner", path: "{project}/runs/11"},
		{name: "run-failed-results", as: "guest", path: "{project}/runs/7?status=flaky"},
		{name: "run-going", as: "owner", path: "{project}/runs/12"},
		{name: "run-complete", as: "owner", do: func(b *pagetest.Tab) {
			w.store("shard-2-of-2", api.Result{Class: "game.MapTest", Name: "the map shows what was visited", Status: "passed", DurationMs: 190})
			b.Until("!document.querySelector('[data-going]') && document.body.innerText.includes('66.6 %')") // by itself
		}},
		{name: "run-reported", as: "owner", path: "{project}/runs/13"},
		{name: "result", as: "owner", path: "{project}/runs/11/results/2"},

		{name: "tests", as: "owner", path: "{project}/tests"},
		{name: "tests-slow", as: "owner", path: "{project}/tests?show=slow"},
		{name: "tests-no-match", as: "owner", path: "{project}/tests?q=nothing+like+it"},
		{name: "tests-empty", as: "owner", path: empty + "/tests"},
		{name: "test", as: "owner", path: "{project}/tests?show=flaky", do: func(b *pagetest.Tab) {
			b.Click(".c-key a")
			b.Until("document.querySelector('.strip')")
		}},

		{name: "issues", as: "owner", path: "{project}/issues"},
		{name: "issues-no-match", as: "owner", path: "{project}/issues", do: func(b *pagetest.Tab) {
			b.Fill("input[name=q]", "nothing like it")
			b.Until("document.body.innerText.includes('Nothing matches')")
		}},
		{name: "issues-empty", as: "owner", path: empty + "/issues"},
		{name: "issue", as: "owner", path: "{project}/issues/1", do: func(b *pagetest.Tab) {
			b.Fill("#body", "It happens on every moon, and not only on that of level 2.")
			b.Click(".say button")
			b.Until("document.querySelector('.thread') && [...document.images].every((i) => i.naturalWidth > 0)")
		}},
		{name: "issue-of-a-guest", as: "guest", path: "{project}/issues/3"},
		{name: "issue-comment-refused", as: "owner", path: "{project}/issues/2", do: func(b *pagetest.Tab) {
			b.Click(".say button")
			b.Until("document.querySelector('.err')")
		}},
		{name: "issue-new", as: "member", path: "{project}/issues/new"},
		{name: "issue-new-refused", as: "member", do: func(b *pagetest.Tab) {
			b.Click("form.form button.primary")
			b.Until("document.querySelector('.err')")
		}},
	}
	return append(stops, caseStops(empty)...)
}

// caseStops are the pages of test cases and cycles.
func caseStops(empty string) []stop {
	return []stop{
		{name: "test-cases", as: "owner", path: "{project}/test-cases"},
		{name: "test-cases-no-match", as: "owner", path: "{project}/test-cases?type=usability"},
		{name: "test-cases-empty", as: "owner", path: empty + "/test-cases"},
		{name: "test-case-new", as: "member", path: "{project}/test-cases/new", do: func(b *pagetest.Tab) {
			b.Fill(`[name="step.0.expected"]`, "The hangar is shown")
			b.Click("[name=add]")
			b.Until("document.querySelector('[name=\"step.3.action\"]')")
		}},
		{name: "test-case-new-refused", as: "member", do: func(b *pagetest.Tab) {
			b.Fill("#title", "A pilot leaves")
			b.Click("form.form button.primary")
			b.Until("document.querySelector('.err')")
		}},
		{name: "test-case", as: "owner", path: "{project}/test-cases/TC-1/edit", do: func(b *pagetest.Tab) {
			b.Fill(`[name="step.2.action"]`, "Close the game and open it again")
			b.Fill(`[name="step.2.expected"]`, "The player is still signed in")
			b.Click("form.form button.primary")
			b.Until("document.querySelectorAll('.steptable tbody tr').length === 3")
		}},
		{name: "test-case-version", as: "guest", path: "{project}/test-cases/TC-1/versions/1"},
		{name: "cycles", as: "owner", path: "{project}/cycles"},
		{name: "cycle", as: "member", path: "{project}/cycles/TCYCLE-2", do: func(b *pagetest.Tab) {
			b.Click("#TC-2 [value=blocked]")
			b.Until("document.querySelector('#TC-2 [aria-pressed=true][value=blocked]')")
		}},
		{name: "cycle-of-a-guest", as: "guest", path: "{project}/cycles/TCYCLE-1?status=skipped"},
	}
}

// reportFile reports what a test program wrote, and keeps the file with the run.
func (w *tour) reportFile() {
	w.t.Helper()
	const file = "../../internal/testresult/testdata/results/junit/playwright-failures.xml"
	cmd := exec.CommandContext(w.t.Context(), program(w.t), "report", "--url", w.URL, "--project-id", "PRJ-1", "--name", "Browser tests", "--branch", "main", "--commit", "9d1c5ab2f033",
		"--results-file", file, "--attach", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), "GATEHOUSE_TOKEN=" + w.Credentials["testkase_pat"].(string)}
	if out, err := cmd.CombinedOutput(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 { // 1 is that tests failed
		w.t.Fatalf("gatehouse report: %v\n%s", err, out)
	}
}

// startRun begins a run of two uploads, of which one comes.
func (w *tour) startRun() {
	w.t.Helper()
	runs := client.New(w.URL, w.Credentials["testkase_pat"].(string), nil).Runs(w.Organization.ID, w.Projects[0].OneTestID)
	if _, err := runs.Start(w.t.Context(), api.StartRun{Key: "half", Name: "Build and test", Branch: "main", Commit: "9d1c5ab2f033", Shards: 2}); err != nil {
		w.t.Fatal(err)
	}
	w.store("shard-1-of-2", api.Result{Class: "game.AccountTest", Name: "a player signs in", Status: "passed", DurationMs: 230},
		api.Result{Class: "game.SaveTest", Name: "a game of version 0.9 is loaded", Status: "failed", DurationMs: 510, Message: "expected 12 ships in the hangar, got 10"})
}

// store stores an upload to that run.
func (w *tour) store(upload string, results ...api.Result) {
	w.t.Helper()
	runs := client.New(w.URL, w.Credentials["testkase_pat"].(string), nil).Runs(w.Organization.ID, w.Projects[0].OneTestID)
	_, err := runs.Declare(w.t.Context(), "12", upload, api.DeclareUpload{Digest: strings.Repeat("ab", 32), Batches: 1})
	if err == nil {
		_, err = runs.Store(w.t.Context(), "12", upload, 1, api.ResultBatch{Results: results})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// picture adds a screenshot and a log to the first issue.
func (w *tour) picture() {
	w.t.Helper()
	drawn := image.NewRGBA(image.Rect(0, 0, 480, 300))
	for y := range 300 {
		for x := range 480 {
			c := color.RGBA{uint8(10 + y/6), uint8(20 + y/4), uint8(60 + y/3), 255}
			if (x-360)*(x-360)+(y-90)*(y-90) < 2500 {
				c = color.RGBA{225, 220, 200, 255}
			}
			drawn.Set(x, y, c)
		}
	}
	var body, shot bytes.Buffer
	if err := png.Encode(&shot, drawn); err != nil {
		w.t.Fatal(err)
	}
	for media, file := range map[string][]byte{"screenshots": shot.Bytes(), "log_files": []byte("10:02:11 the pad has no collision mesh\n")} {
		body.Reset()
		form := multipart.NewWriter(&body)
		part, _ := form.CreateFormFile(map[string]string{"screenshots": "screenshot[image]", "log_files": "log_file[file]"}[media], map[string]string{"screenshots": "landing.png", "log_files": "game.log"}[media])
		_, _ = part.Write(file)
		_ = form.Close()
		r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.URL+"/projects/"+w.Projects[0].BetaHubID+"/issues/1/"+media+".json", &body)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.Header.Set("Authorization", "Bearer "+w.Credentials["betahub_pat"].(string))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != http.StatusCreated {
			w.t.Fatalf("%s: %s", media, answer.Status)
		}
	}
}
