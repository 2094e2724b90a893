package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// office is a site with a project that people work in.
type office struct {
	*site
	project *store.Project
	ref     store.ProjectRef
	to      string // where its pages begin
	runs    int
}

func (s *site) office(name string) *office {
	s.t.Helper()
	operator := credential.Operator()
	p, err := s.authority.CreateProject(context.Background(), &operator, s.organization.ID, authority.NameRequest{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return &office{site: s, project: p, ref: store.ProjectRef{ID: p.ID}, to: s.pages() + "/projects/" + p.ID.String()}
}

// start begins a run of so many uploads.
func (o *office) start(r workspace.RunRequest, shards int) workspace.RunRef {
	o.t.Helper()
	operator := credential.Operator()
	o.runs++
	r.Key, r.Shards = fmt.Sprint("run ", o.runs), shards
	run, _, err := o.workspace.StartRun(context.Background(), &operator, o.ref, r)
	if err != nil {
		o.t.Fatal(err)
	}
	return workspace.RunRef{Project: o.ref, ID: run.ID}
}

// upload stores results in a run, as one upload in one batch.
func (o *office) upload(n workspace.RunRef, name string, results ...store.TestResult) {
	o.t.Helper()
	operator := credential.Operator()
	_, err := o.workspace.DeclareUpload(context.Background(), &operator, n, workspace.UploadRequest{Name: name, Digest: strings.Repeat("ab", 32), Batches: 1})
	if err == nil {
		_, _, err = o.workspace.StoreBatch(context.Background(), &operator, n, workspace.BatchRequest{Upload: name, Number: 1, Results: results, Body: []byte(name)})
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// report is a whole run.
func (o *office) report(r workspace.RunRequest, results ...store.TestResult) {
	o.t.Helper()
	o.upload(o.start(r, 1), "all", results...)
}

func result(name, status, message string) store.TestResult {
	return store.TestResult{Name: name, Class: "game.Test", Status: status, Message: message, Duration: 1500 * time.Millisecond}
}

// staged is a file on its way to belong to something.
func (o *office) issueWith(title string, files map[string]string) *store.Issue {
	o.t.Helper()
	operator := credential.Operator()
	d := workspace.IssueDraft{Title: title}
	for name, content := range files {
		f, err := o.workspace.Files().Stage(strings.NewReader(content))
		if err != nil {
			o.t.Fatal(err)
		}
		d.Files = append(d.Files, workspace.Upload{Kind: workspace.KindOf(f.Type), Name: name, File: f})
	}
	i, err := o.workspace.CreateIssue(context.Background(), &operator, o.ref, d)
	if err != nil {
		o.t.Fatal(err)
	}
	return i
}

// Runs are listed and shown with what changed, what failed alike, and every
// result; what still runs and what was interrupted says so.
func TestRunPages(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		o := s.office("Space Game")
		s.shows("no run", s.get(o.to+"/runs"), 200, "No results yet", "export GATEHOUSE_URL=http://127.0.0.1:8080", "gatehouse report --project-id PRJ-1", "/docs/testkase")
		main := workspace.RunRequest{Name: "nightly", Branch: "main", Commit: "c0ffee0123456789", CI: store.RunCI{Provider: "github", PipelineURL: "https://ci.example.test/1"}}
		o.report(main, result("pays", "passed", ""), result("signs in", "failed", "no form"), result("sleeps", "skipped", ""))
		main.Commit, main.CI.PipelineURL = "beef", "javascript:alert(1)"
		o.report(main, result("pays", "failed", "expected 3 coins, got 4\nat pay.go:7"), result("pays back", "error", "expected 30 coins, got 41"), result("signs in", "passed", ""), result("sleeps", "skipped", ""))
		o.report(workspace.RunRequest{Branch: "other"}, result("pays", "passed", ""))

		list := s.shows("the list", s.get(o.to+"/runs"), 200, "nightly", "Run 3", "c0ffee01", "1 passed, 1 failed, 1 not run", "33.3 %", "50 %", "100 %", "Failed", "Passed", `href="https://ci.example.test/1" rel="noreferrer"`, "3 s")
		s.hides("the list", list, "javascript:")
		s.hides("one branch", s.shows("one branch", s.get(o.to+"/runs?branch=other"), 200, "Run 3", `<option value="other" selected>`), "nightly</a>")
		s.hides("what failed", s.shows("what failed", s.get(o.to+"/runs?status=failed&name=&branch="), 200, "nightly"), "Run 3")
		s.shows("no match", s.get(o.to+"/runs?status=interrupted"), 200, "Nothing matches", "Clear filters")
		s.shows("a status that there isn't", s.get(o.to+"/runs?status=odd"), 422)

		run := s.shows("a run", s.get(o.to+"/runs/2"), 200, "What changed since", "run 1", "Newly failing <span class=\"n bad\">2", "Fixed <span class=\"n ok\">1", "1 new test",
			"Failures by message", "pay.go:7", "expected 3 coins, got 4", "game.Test", "New</span>", "beef", "TCYCLE-1")
		if n := strings.Count(run.body, `<details class="group"`); n != 1 {
			t.Errorf("failures that differ in numbers alone are in %d groups", n)
		}
		s.hides("its results that passed", s.shows("its results that passed", s.get(o.to+"/runs/2?status=passed"), 200, "1 shown"), "5 shown")
		one := s.found(run, regexp.MustCompile(`href="([^"]*/results/1)"`))
		s.shows("a result", s.get(one), 200, "expected 30 coins, got 41", "Error", "History of the test")
		for _, missing := range []string{"/runs/9", "/runs/2/results/9", "/runs/2/results/01", "/runs/x", "/runs/2/files/1"} {
			s.shows(missing, s.get(o.to+missing), 404)
		}

		half := o.start(workspace.RunRequest{Name: "half"}, 2)
		o.upload(half, "one", result("pays", "passed", ""))
		s.shows("one that still runs", s.get(o.to+"/runs/4"), 200, "Results are still coming.", "1 of 2 uploads in so far", "data-going")
		s.at.Store(25 * 3600)
		s.hides("one that was interrupted", s.shows("one that was interrupted", s.get(o.to+"/runs/4"), 200, "Nothing has come for a day", "Interrupted"), "data-going")
	})
}

// The overview says what the runs say, and its charts what its table says.
func TestOverviewAndTests(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		o := s.office("Space Game")
		s.shows("nothing yet", s.get(o.to), 200, "No results yet", "Open issues", "0 in all", "Master Test Cycle")
		s.shows("no test yet", s.get(o.to+"/tests"), 200, "No results yet")
		at := func(commit, branch, pays, wobbles string) {
			o.report(workspace.RunRequest{Name: "nightly", Branch: branch, Commit: commit}, result("pays", pays, "no coins"), result("wobbles", wobbles, "timed out"), store.TestResult{Name: "quick", Status: "passed", Duration: time.Millisecond})
		}
		at("a", "main", "passed", "passed")
		at("b", "other", "passed", "passed")
		at("c", "main", "passed", "failed")
		at("c", "main", "failed", "passed")
		o.issueWith("It falls over", nil)

		page := s.shows("the overview", s.get(o.to), 200, "The last 4 complete runs", "66.6 % in run 4", "Newly failing", "no coins", "Flaky", "wobbles", "Slowest tests", "1.5 s", "1 in all", "Show as table")
		s.tells(page, "Pass rate, the oldest run first", "Pass rate")
		s.tells(page, "Tests of each run, the oldest first", "Tests")
		s.hides("a branch", s.shows("a branch", s.get(o.to+"?branch=other"), 200, "The last complete run", "100 % in run 2"), "in run 4")
		s.shows("a branch that there isn't", s.get(o.to+"?branch=nowhere"), 200, "Nothing was reported of the branch nowhere")

		tests := s.shows("the tests", s.get(o.to+"/tests"), 200, "pays", "wobbles", "quick", "since ")
		s.hides("those that fail", s.shows("those that fail", s.get(o.to+"/tests?show=failing"), 200, "pays"), "quick")
		s.hides("flaky ones", s.shows("flaky ones", s.get(o.to+"/tests?show=flaky"), 200, "wobbles", "pays"), ">quick<")
		s.hides("slow ones", s.shows("slow ones", s.get(o.to+"/tests?show=slow"), 200, "wobbles", "slowest first"), "quick")
		s.hides("found ones", s.shows("found ones", s.get(o.to+"/tests?q=QUI&status="), 200, "quick"), "wobbles")
		s.shows("no match", s.get(o.to+"/tests?q=nothing"), 200, "Nothing here has “nothing”")

		wobbles := s.get(s.found(tests, regexp.MustCompile(`href="([^"]*/tests/[0-9a-f-]{36})">wobbles`)))
		s.shows("a test", wobbles, 200, "75 %", "of the last 4 results", "Latest failure", "timed out", "Run 3", "3 passed, 1 failed", `<span class="sr">Run 3: failed, flaky</span>`, `<span class="sr">Run 2: passed</span>`)
		s.tells(wobbles, "How long it took, the oldest result first", "Took")
		s.shows("a test that there isn't", s.get(o.to+"/tests/"+o.project.ID.String()), 404)
	})
}

// tells fails the test unless what a chart says is what a column of the table
// on its page has: in the same or in the other order.
func (s *site) tells(a answer, label, column string) {
	s.t.Helper()
	said := strings.Split(s.found(a, regexp.MustCompile(`role="img" aria-label="`+label+`: ([^"]*)"`)), ", ")
	var cells []string
	for _, m := range regexp.MustCompile(`data-label="`+column+`" class="r num">([^<]*)<`).FindAllStringSubmatch(a.body, -1) {
		cells = append(cells, html.UnescapeString(m[1]))
	}
	same, turned := len(said) == len(cells), len(said) == len(cells)
	for i := range min(len(said), len(cells)) {
		same = same && said[i] == cells[i]
		turned = turned && said[i] == cells[len(cells)-1-i]
	}
	if !same && !turned {
		s.t.Errorf("the chart %q says %v, the table %v", label, said, cells)
	}
}

// Issues are listed by filters in the address, reported, changed and talked about.
func TestIssuePages(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		o := s.office("Space Game")
		list := o.to + "/issues"
		s.shows("no issue", s.get(list), 200, "No issue yet", "New issue")
		form := s.shows("the form", s.get(list+"/new"), 200, "What is it about?", "Steps to reproduce it")
		refused := s.shows("nothing said", s.post(list, formOf(form, list, "steps", "1\r\n2", "priority", "high")), 422, "A title or a description is needed", `value="high" checked`)
		s.shows("what was typed", refused, 422, "1\n2</textarea>")
		sent := formOf(refused, list, "title", "Falls <over>", "description", "Every\r\ntime", "steps", "Load\r\n\r\nWait", "priority", "critical", "assignee", "1")
		one := s.found(s.post(list, sent), leads)
		if one != list+"/1?done=reported" || s.found(s.post(list, sent), leads) != one {
			t.Errorf("the same form twice leads to %s", one)
		}
		page := s.shows("the issue", s.get(one), 200, "Falls <over>", "Every\ntime", "<li>Load</li><li>Wait</li>", "Critical", `<option value="1" selected>Ada`, "The issue was reported", "Nobody has said anything")
		changed := s.post(list+"/1", formOf(page, list+"/1", "status", "in_progress", "priority", "low", "assignee", ""))
		s.shows("a change", s.get(s.found(changed, leads)), 200, "Saved.", `<option value="in_progress" selected>`, `<option value="low" selected>`, `<option value="" selected>Nobody`)
		s.shows("a status that there isn't", s.post(list+"/1", formOf(page, list+"/1", "status", "odd", "priority", "low")), 422, "The status must be one of")
		s.shows("nothing to say", s.post(list+"/1/comments", formOf(page, list+"/1/comments", "body", " ")), 422, "The comment must not be empty", `aria-invalid="true"`)
		s.post(list+"/1/comments", formOf(page, list+"/1/comments", "body", "Me <too>\r\n!"))
		s.shows("a comment", s.get(list+"/1"), 200, "Me <too>\n!", `<b>Ada</b>`)

		o.issueWith("Another one", nil)
		for query, wants := range map[string]string{"?q=falls": "Falls", "?status=open": "Another", "?priority=low": "Falls", "?category=bug&q=another&status=&priority=medium": "Another", "?status=not_done&priority=medium": "Another"} {
			got := s.shows(query, s.get(list+query), 200, wants)
			s.hides(query, got, map[string]string{"Falls": "Another one", "Another": "Falls"}[wants])
		}
		for _, query := range []string{"?q=nothing+like", "?assignee=1", "?category=question", "?q=falls&status=open"} {
			s.shows(query, s.get(list+query), 200, "Nothing matches")
		}
		for _, query := range []string{"?status=odd", "?assignee=99", "?tag=x", "?after=x", "?category=odd"} {
			s.shows(query, s.get(list+query), 422)
		}
		s.shows("an issue that there isn't", s.get(list+"/99"), 404)
		s.shows("no number", s.get(list+"/01"), 404)
	})
}

// What was uploaded to an issue is handed out so that nothing in it runs, for
// those who see the issue.
func TestF1_FilesOfIssues(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	s.enter("ada@example.test")
	o := s.office("Space Game")
	o.issueWith("Falls over", map[string]string{"shot.png": "\x89PNG\r\n\x1a\n....", "page.png": "<html><script>alert(1)</script>"})
	page := s.get(o.to + "/issues/1")
	if n := strings.Count(page.body, "<img "); n != 1 {
		t.Errorf("%d files are shown as pictures: what is called so is no picture", n)
	}
	for _, m := range regexp.MustCompile(`href="([^"]*/media/\d+)"`).FindAllStringSubmatch(page.body, -1) {
		got := s.get(m[1])
		inline := strings.HasPrefix(got.body, "\x89PNG")
		if kind := got.header.Get("Content-Type"); got.status != 200 || inline != (kind == "image/png") || inline != strings.HasPrefix(got.header.Get("Content-Disposition"), "inline") {
			t.Errorf("%s: %d, %s, %s", m[1], got.status, kind, got.header.Get("Content-Disposition"))
		}
		if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox;") {
			t.Errorf("%s: %s", m[1], policy)
		}
	}
	o.issueWith("Another", nil)
	s.shows("a file of another issue", s.get(o.to+"/issues/2/media/1"), 404)
}

// Test cases are written step by step, changed by who saw the latest version,
// and shown as they were.
func TestCasePages(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		o := s.office("Space Game")
		list := o.to + "/test-cases"
		s.shows("no test case", s.get(list), 200, "No test case yet")
		form := s.get(list + "/new")
		more := s.shows("another step", s.post(list+"/new", fill(form, "title", "Signs in", "step.0.expected", "a form", "step.2.action", "Type", "add", "1")), 200, `value="Signs in"`, "a form</textarea>", `name="step.3.action"`, "autofocus")
		refused := s.shows("a step without a deed", s.post(list+"/new", fill(more, "title", "Signs in", "step.0.expected", "a form", "step.2.action", "Type", "priority", "high", "type", "smoke", "status", "ready")), 422,
			"Step 1: Say what is to be done", `id="steps.0.action" name="step.0.action" rows="2" maxlength="2000" aria-invalid="true"`, `<option value="smoke" selected>`)
		made := s.found(s.post(list+"/new", fill(refused, "title", "Signs in", "step.0.action", "Open", "step.0.expected", "a form", "step.2.action", "Type", "priority", "high", "type", "smoke", "status", "ready", "folder", "Login", "labels", "smoke, new")), leads)
		s.shows("the test case", s.get(made), 200, "Signs in", "TC-1", "Open", "a form", "Type", "High", "Smoke", "Ready", "Login", "Master Test Cycle", "Not executed", "Version 1")

		edit := s.shows("its form", s.get(list+"/TC-1/edit"), 200, `value="Signs in"`, `value="new, smoke"`, `name="version" value="1"`)
		change := fill(edit, "title", "Signs in quickly", "step.0.action", "Open", "priority", "low", "type", "smoke", "status", "ready")
		s.shows("a change", s.get(s.found(s.post(list+"/TC-1/edit", change), leads)), 200, "Signs in quickly", "Version 2", "Low")
		s.shows("a change of what has changed", s.post(list+"/TC-1/edit", change), 422, "it has changed meanwhile"[3:], "Signs in quickly")
		s.shows("what it was", s.get(list+"/TC-1/versions/1"), 200, "This is version 1.", "Type", "High")
		s.shows("a version that there isn't", s.get(list+"/TC-1/versions/3"), 404)
		s.shows("no title", s.post(list+"/new", fill(form, "priority", "low", "type", "smoke", "status", "ready")), 422, "The title must")

		for query, shown := range map[string]string{"?q=quickly": "TC-1", "?status=draft": "Nothing matches", "?folder=&label=": "TC-1", "?priority=low&type=smoke": "TC-1", "?folder=Other": "Nothing matches"} {
			s.shows(query, s.get(list+query), 200, shown)
		}
		s.shows("a type that there isn't", s.get(list+"?type=odd"), 422)
		s.shows("a test case that there isn't", s.get(list+"/TC-9"), 404)

		cycle := o.to + "/cycles/TCYCLE-1"
		s.shows("cycles", s.get(o.to+"/cycles"), 200, "Master Test Cycle", "All cases", "0 of 1 case done")
		at := s.get(cycle + "?status=not_executed")
		set := formOf(at, cycle+"/results", "result", "fail", "comment", "No <form>")
		if to := s.found(s.post(cycle+"/results", set), leads); to != cycle+"?status=not_executed#TC-1" {
			t.Errorf("a result leads to %s", to)
		}
		s.shows("a result", s.get(cycle), 200, "No <form>", `value="fail" aria-pressed="true"`, "1 of 1 case done", "0 %")
		s.shows("no result", s.post(cycle+"/results", formOf(at, cycle+"/results", "result", "odd")), 422, "must be one of")
		s.shows("in the history", s.get(list+"/TC-1"), 200, "Failed", "No <form>")
		s.shows("a cycle that there isn't", s.get(o.to+"/cycles/TCYCLE-9"), 404)
	})
}

// Who only may look at a project finds no form on its pages, and does nothing
// by one; who isn't in it finds no page; and nothing changes what is archived.
func TestWhoDoesWhatInProjects(t *testing.T) {
	t.Parallel()
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	o, foreign := s.office("Space Game"), s.office("Hidden")
	s.join("gus@example.test", o.project, credential.ProjectGuest)
	s.join("uma@example.test", o.project, credential.ProjectUser)
	o.report(workspace.RunRequest{}, result("pays", "passed", ""))
	o.issueWith("Falls over", nil)
	operator := credential.Operator()
	title := "Signs in"
	if _, err := o.workspace.CreateTestCase(t.Context(), &operator, o.ref, workspace.CaseRequest{Title: &title}); err != nil {
		t.Fatal(err)
	}
	pages := []string{"", "/issues", "/issues/1", "/test-cases", "/test-cases/TC-1", "/test-cases/TC-1/versions/1", "/cycles", "/cycles/TCYCLE-1", "/runs", "/runs/1", "/runs/1/results/0", "/tests"}
	forms := map[string][]string{"/issues": {"title", "x"}, "/issues/1": {"status", "closed", "priority", "low"}, "/issues/1/comments": {"body", "x"}, "/test-cases/new": {"title", "x", "priority", "low", "type", "smoke", "status", "ready"},
		"/test-cases/TC-1/edit": {"title", "y", "priority", "low", "type", "smoke", "status", "ready"}, "/cycles/TCYCLE-1/results": {"case", "1", "result", "pass"}}
	tries := func(who string, status int) {
		for path, pairs := range forms {
			in := fill(s.get("/console/"), append(pairs, "once", who+path)...)
			s.shows(who+" sends "+path, s.post(o.to+path, in), status)
			in.Set("form", "another session's")
			s.shows(who+" sends a form of another session to "+path, s.post(o.to+path, in), 403)
		}
	}
	s.enter("gus@example.test")
	for _, page := range pages {
		got := s.shows("a guest at "+page, s.get(o.to+page), 200)
		s.hides("a guest at "+page, got, `method="post" action="`+o.to, "New issue", "New test case", ">Edit<")
		s.shows("a guest at a foreign "+page, s.get(foreign.to+page), 404)
	}
	s.shows("a guest at a form", s.get(o.to+"/issues/new"), 403)
	s.shows("a guest at a form", s.get(o.to+"/test-cases/new"), 403)
	tries("a guest", 403)

	s.enter("uma@example.test")
	s.shows("a user", s.get(o.to+"/issues/1"), 200, `action="`+o.to+`/issues/1"`, "Add a comment")
	s.shows("a user at a foreign project", s.get(foreign.to), 404)
	tries("a user", 200)
	s.shows("what a user did", s.get(o.to+"/issues/1"), 200, "Closed", "<p class=\"prose\">x</p>")

	if _, err := s.authority.ArchiveProject(t.Context(), &operator, s.organization.ID, o.project.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		s.hides("an archived project", s.shows("an archived project at "+page, s.get(o.to+page), 200), `action="`+o.to+`/issues/1`, "New issue", ">Edit<", "/results\"")
	}
	s.shows("an archived project", s.get(o.to), 200, "This project is archived")
	for path, pairs := range forms {
		in := fill(s.get("/console/"), append(pairs, "once", "archived"+path)...)
		got := s.post(o.to+path, in)
		if got.status < 400 || got.status >= 500 {
			t.Errorf("sending %s to an archived project: got %d", path, got.status)
		}
	}
}

func naughtyStrings(t testing.TB) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../rest/testdata/blns.json")
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Whatever tests, issues and cases are called is text on every page, also for a
// browser.
func TestH5_NaughtyWork(t *testing.T) {
	t.Parallel()
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	s.enter("ada@example.test")
	o := s.office("Space Game")
	operator := credential.Operator()
	var results []store.TestResult
	var shown []string
	for _, text := range naughtyStrings(t) {
		named, err := credential.CheckText("name", text, 200)
		if err != nil {
			continue
		}
		shown = append(shown, named)
		results = append(results, store.TestResult{Name: named, Class: named, Status: "failed", Message: named, Detail: named})
		r := workspace.CaseRequest{Title: &named, Preconditions: &named, Steps: &[]store.TestStep{{Action: named, ExpectedResult: named}}}
		if _, err := o.workspace.CreateTestCase(t.Context(), &operator, o.ref, r); err != nil {
			t.Fatal(err)
		}
	}
	o.report(workspace.RunRequest{Name: shown[60], Branch: shown[61], Commit: shown[62]}, results...)
	all := strings.Join(shown, "\n")
	for at := 0; at < len(all); at += 15_000 {
		text := strings.ToValidUTF8(all[at:min(at+15_000, len(all))], "")
		if _, err := o.workspace.CreateIssue(t.Context(), &operator, o.ref, workspace.IssueDraft{Title: shown[at/15_000+70], Description: text, Steps: clippedTo(text, 9_000), Custom: map[string]string{"x": shown[80]}}); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]bool{}
	for _, list := range []string{"/runs/1", "/tests", "/test-cases"} {
		for path, pages := o.to+list, 0; path != ""; pages++ {
			page := s.shows(path, s.get(path), 200)
			o.tidy(path, page)
			plain := html.UnescapeString(page.body)
			for _, text := range shown {
				if strings.Contains(plain, text) {
					found[list+text] = true
				}
			}
			path = ""
			if next := regexp.MustCompile(`href="([^"]*after=[^"]*)">Next page`).FindStringSubmatch(page.body); next != nil && pages < 40 {
				path = html.UnescapeString(next[1])
			}
		}
		for _, text := range shown {
			if !found[list+text] {
				t.Errorf("%q isn't to be seen at %s", text, list)
			}
		}
	}
	for _, path := range []string{"", "/runs", "/issues", "/issues/1", "/test-cases/TC-7", "/test-cases/TC-7/edit", "/runs/1/results/9"} {
		o.tidy(path, s.shows(path, s.get(o.to+path), 200))
	}

	b := pagetest.Open(t, pagetest.Chromium(t), s.url, pagetest.Wide)
	b.Load("/console/sign-in")
	b.Fill("#email", "ada@example.test")
	b.Fill("#password", "correct horse battery\r")
	b.At("/console/")
	for _, path := range []string{"/issues/1", "/runs/1", "/runs/1?after=200"} {
		b.Load(o.to + path)
		if got := b.Text("String(document.querySelectorAll('.main script, .main img, .main iframe, .main [onclick], .main object').length) + window.name + document.title.slice(-9)"); got != "0Gatehouse" {
			t.Errorf("%s: %s", path, got)
		}
		b.Text("document.querySelectorAll('details').forEach((d) => d.open = true) ?? ''")
		b.Until("true")
	}
	b.Quiet()
}

func clippedTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// tidy fails the test if a page has elements that no template has.
func (o *office) tidy(path string, a answer) {
	o.t.Helper()
	for _, m := range regexp.MustCompile(`(?i)<(script|img|iframe|svg|style|object|embed|a|form|input)\b[^>]*`).FindAllString(a.body, -1) {
		low := strings.ToLower(m)
		if strings.HasPrefix(low, "<script") && !strings.Contains(low, "/console/assets/") || strings.HasPrefix(low, "<img") || strings.HasPrefix(low, "<iframe") || strings.HasPrefix(low, "<style") ||
			regexp.MustCompile(`\son[a-z]+=`).MatchString(low) || strings.Contains(low, `href="javascript:`) {
			o.t.Errorf("%s has %s", path, m)
		}
	}
}
