package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// TestTKO16_ExitCodes wants each exit code where it is due, and no other. The
// server holds then what the code says.
func TestTKO16_ExitCodes(t *testing.T) {
	t.Parallel()
	good, failing, large := junit(t, 3, 0), junit(t, 3, 1), junit(t, 2500, 0)
	always := func(how, code string) trouble { return trouble{on: "/v1/", how: how, code: code, times: -1} }
	for _, row := range []struct {
		name    string
		o       Options
		trouble []trouble
		code    Code
		stored  int
		says    string
	}{
		{"uploaded", Options{Results: []string{good}}, nil, Done, 3, ""},
		{"failed tests alone", Options{Results: []string{failing}}, nil, Done, 3, ""},
		{"failed tests", Options{Results: []string{failing}, FailOn: []string{"failed"}}, nil, Hit, 3, "tests failed"},
		{"never", Options{Results: []string{failing}, FailOn: []string{"never"}}, nil, Done, 3, ""},
		{"usage", Options{Results: []string{good}, Format: "junitt"}, nil, Usage, 0, "--format"},
		{"nothing to report", Options{}, nil, Usage, 0, "--results-file"},
		{"no file", Options{Results: []string{"none/*.xml"}}, nil, BadResults, 0, "there is no file of results at none/*.xml"},
		{"no results", Options{Results: []string{junit(t, 0, 0)}}, nil, BadResults, 0, "there are no results"},
		{"no results, ignored", Options{Results: []string{junit(t, 0, 0)}, OnEmpty: "ignore"}, nil, Done, 0, ""},
		{"no file, with a warning", Options{Results: []string{"none.xml"}, OnEmpty: "warn"}, nil, Done, 0, "warning: there is no file"},
		{"a broken file beside a good one", Options{Results: []string{good, write(t, "broken.xml", "<testsuite><testcase name='a'>")}}, nil, BadResults, 0, "broken.xml: "},
		{"a token that isn't known", Options{Results: []string{good}, Token: "tk_pat_of_somebody_else"}, nil, Rejected, 0, "the server answers 401"},
		{"forbidden", Options{Results: []string{good}}, []trouble{always("403", "forbidden")}, Rejected, 0, "the server answers 403"},
		{"redirected", Options{Results: []string{good}}, []trouble{always("302", "-")}, Rejected, 0, "the address leads elsewhere"},
		{"no network", Options{Results: []string{good}}, []trouble{always("reset", "")}, Unreachable, 0, ""},
		{"a server that is down", Options{Results: []string{good}}, []trouble{always("503", "")}, Unreachable, 0, "the server answers 503"},
		{"a proxy's server that is down", Options{Results: []string{good}}, []trouble{always("502", "-")}, Unreachable, 0, "502"},
		{"a server with an error", Options{Results: []string{good}}, []trouble{always("500", "")}, Unreachable, 0, "500"},
		{"too many requests", Options{Results: []string{good}}, []trouble{always("429", "rate_limited")}, Limited, 0, "429"},
		{"down after the first batch", Options{Results: []string{large}}, []trouble{{on: "/batches/2", how: "503", times: -1}}, Partly, 1000, "1 of 3 batches of results are stored. The same command again completes it"},
		{"refused after the first batch", Options{Results: []string{large}}, []trouble{{on: "/batches/2", how: "403", times: -1}}, Partly, 1000, "1 of 3 batches of results are stored\n"},
		{"attachments fail", Options{Results: []string{good}, Attach: []string{good}}, []trouble{{on: "/files", how: "503", times: -1}}, Partly, 3, "all results are stored"},
		{"an attachment is refused", Options{Results: []string{good}, Attach: []string{write(t, "refused.png", "x")}}, nil, Partly, 3, "refuses these attachments"},
		{"over budget", Options{Results: []string{good}}, []trouble{{on: "/runs", how: "429", code: "budget_exceeded", times: -1}}, OverBudget, 0, "budget_exceeded"},
		{"over the budget of a dialect", Options{Results: []string{good}}, []trouble{{on: "/batches/1", how: "429", code: "budget_exhausted", times: -1}}, OverBudget, 0, "budget_exhausted"},
		{"changes are not known", Options{Results: []string{failing}}, []trouble{{on: "/changes", how: "500", times: -1}}, Done, 3, "what changed can't be found out"},
		{"changes are asked for, and not known", Options{Results: []string{failing}, FailOn: []string{"new-failures"}}, []trouble{{on: "/changes", how: "500", times: -1}}, Partly, 3, "can't be found out"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newMemory(t, row.trouble...)
			row.o.Organization, row.o.Project = "1173", "PRJ-1"
			got := m.report(t, row.o)
			got.want(t, "report", row.code)
			if m.stored() != row.stored || !strings.Contains(got.stderr, row.says) {
				t.Errorf("%d results are stored, want %d; want %q in:\n%s", m.stored(), row.stored, row.says, got.stderr)
			}
			if row.code == Done && row.stored > 0 && !strings.Contains(got.stdout, m.URL+"/v1/organizations/1173/projects/PRJ-1/runs/") {
				t.Errorf("it doesn't say where the run is:\n%s", got.stdout)
			}
			row.o.JSON = true
			got = m.report(t, row.o) // the trouble of another attempt may be over
			var d document
			if got.code != Usage && (json.Unmarshal([]byte(got.stdout), &d) != nil || d.ExitCode != got.code || strings.Count(got.stdout, "\n") != 1) {
				t.Errorf("--json printed, at exit code %d:\n%s", got.code, got.stdout)
			}
		})
	}
}

// TestTKO16_TestsOfOneName wants a failed test to fail the report, unless it is
// a later attempt of that very test that passed.
func TestTKO16_TestsOfOneName(t *testing.T) {
	t.Parallel()
	ctrf := func(tests string) string {
		return write(t, "ctrf.json", `{"results":{"tool":{"name":"x"},"tests":[`+tests+`]}}`)
	}
	playwright := func(tests string) string {
		return write(t, "playwright.json", `{"config":{},"suites":[{"title":"a.spec.ts","specs":[{"title":"works","tests":[`+tests+`]}]}]}`)
	}
	for name, row := range map[string]struct {
		file string
		code Code
	}{
		"failed in one browser":                         {ctrf(`{"name":"works","status":"failed","browser":"chromium"},{"name":"works","status":"passed","browser":"firefox"}`), Hit},
		"without browsers":                              {ctrf(`{"name":"works","status":"failed"},{"name":"works","status":"passed"}`), Hit},
		"failed after two attempts, and another passed": {ctrf(`{"name":"works","status":"failed","retries":2},{"name":"works","status":"passed","retries":1}`), Hit},
		"repeated":    {playwright(`{"projectName":"p","status":"unexpected","results":[{"status":"failed"}]},{"projectName":"p","status":"expected","results":[{"status":"passed"}]}`), Hit},
		"tried again": {ctrf(`{"name":"works","status":"failed"},{"name":"works","status":"passed","retries":1}`), Done},
	} {
		got := reportWith(t, Options{Results: []string{row.file}, FailOn: []string{"failed"}, DryRun: true})
		got.want(t, name+", read alone", Done)
		got = newMemory(t).report(t, Options{Results: []string{row.file}, FailOn: []string{"failed"}})
		if got.want(t, name, row.code); strings.Contains(got.stdout, "failed:\n  - ") != (row.code == Hit) {
			t.Errorf("%s: it prints\n%s", name, got.stdout)
		}
	}
}

// TestTKO17_Retries wants what may pass to be tried again, and nothing else;
// everything arrives once.
func TestTKO17_Retries(t *testing.T) {
	t.Parallel()
	large := junit(t, 1100, 7)
	for _, row := range []struct {
		name  string
		fault trouble
		wait  time.Duration // 0: any
	}{
		{"429", trouble{how: "429", after: "3"}, 3 * time.Second}, {"503", trouble{how: "503", after: "7"}, 7 * time.Second},
		{"408", trouble{how: "408"}, 0}, {"425", trouble{how: "425"}, 0}, {"502", trouble{how: "502"}, 0}, {"504", trouble{how: "504"}, 0},
		{"reset", trouble{how: "reset"}, 0}, {"lost", trouble{how: "lost"}, 0}, {"hang", trouble{how: "hang"}, 0},
		{"a date", trouble{how: "503", after: time.Now().Add(5 * time.Minute).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, on := range []string{"POST", "/uploads/", "/batches/2", "GET"} {
				row.fault.on = on
				m := newMemory(t, row.fault)
				impatient := ""
				if row.name == "hang" {
					impatient = "yes"
				}
				got := m.report(t, Options{Organization: "1173", Project: "PRJ-1", Results: []string{large}}, "impatient", impatient)
				got.want(t, "on "+on, Done)
				if m.stored() != 1100 || len(m.runs) != 1 || len(got.waits) != 1 && impatient == "" || len(got.waits) == 0 || !strings.Contains(got.stderr, "; trying again in ") {
					t.Errorf("on %s: %d results in %d runs after %v:\n%s", on, m.stored(), len(m.runs), got.waits, got.stderr)
				}
				if len(got.waits) > 0 && (row.wait > 0 && got.waits[0] != row.wait || row.wait < 0 && (got.waits[0] < 3*time.Minute || got.waits[0] > 5*time.Minute)) {
					t.Errorf("on %s: waited %v", on, got.waits)
				}
			}
		})
	}
	for _, status := range []string{"400", "401", "403", "404", "409", "410", "413", "415", "422", "451", "500", "501"} {
		m := newMemory(t, trouble{on: "/runs", how: status})
		got := m.report(t, Options{Organization: "1173", Project: "PRJ-1", Results: []string{large}})
		if len(got.waits) > 0 || m.stored() > 0 || got.code != Rejected && got.code != Unreachable {
			t.Errorf("%s: exit code %d after %v", status, got.code, got.waits)
		}
	}
	m := newMemory(t, trouble{on: "POST", how: "503"}, trouble{on: "POST", how: "lost"})
	m.report(t, Options{Organization: "1173", Project: "PRJ-1", Results: []string{large}}).want(t, "twice", Done)
	keys := map[string]bool{}
	for i, call := range m.calls {
		if strings.HasPrefix(call, "POST") {
			keys[m.headers[i].Get("Idempotency-Key")] = true
		}
	}
	if len(keys) != 1 || keys[""] {
		t.Errorf("attempts had these idempotency keys: %v", keys)
	}
	slow := newMemory(t, trouble{on: "/runs", how: "503", after: "3600", times: -1})
	if got := slow.report(t, Options{Results: []string{large}, Timeout: time.Minute}); got.code != Unreachable || len(got.waits) > 0 {
		t.Errorf("told to wait for longer than there is time: exit code %d after %v", got.code, got.waits)
	}
}

// TestOnce wants what is reported again, or by several at once, to be there once.
func TestOnce(t *testing.T) {
	t.Parallel()
	large, m := junit(t, 3500, 0), newMemory(t)
	o := Options{Results: []string{large}}
	for range 2 {
		m.report(t, o).want(t, "again", Done)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { m.report(t, o).want(t, "at once", Done) })
	}
	all.Wait()
	if m.stored() != 3500 || len(m.runs) != 1 || m.count("/batches/") < 4 {
		t.Errorf("%d results in %d runs", m.stored(), len(m.runs))
	}
	o.Cycle = "TCYCLE-5"
	m.report(t, o).want(t, "to another cycle", Done)
	if len(m.runs) != 2 {
		t.Errorf("another cycle's results are in the same run")
	}
	cut := newMemory(t, trouble{on: "/batches/3", how: "403"})
	cut.report(t, Options{Results: []string{large}}).want(t, "cut off", Partly)
	got := cut.report(t, Options{Results: []string{large}})
	got.want(t, "again", Done)
	if cut.stored() != 3500 || cut.count("/batches/1") != 1 || !strings.Contains(got.stderr, "2 of 4 batches are stored already") {
		t.Errorf("%d results, %d times the first batch:\n%s", cut.stored(), cut.count("/batches/1"), got.stderr)
	}
}

// TestKeys wants jobs of one pipeline to find each other, and nobody else's.
func TestKeys(t *testing.T) {
	t.Parallel()
	file := junit(t, 3, 0)
	github := []string{"GITHUB_ACTIONS", "true", "GITHUB_RUN_ID", "77", "GITHUB_RUN_ATTEMPT", "2", "GITHUB_JOB", "test", "GITHUB_WORKFLOW", "CI",
		"GITHUB_SERVER_URL", "https://github.com", "GITHUB_REPOSITORY", "o/r", "GITHUB_SHA", "c0ffee", "GITHUB_REF", "refs/heads/main", "GITHUB_RUN_NUMBER", "12"}
	gitlab := []string{"GITLAB_CI", "true", "CI_PIPELINE_ID", "9", "CI_JOB_NAME", "rspec 2/4"}
	for _, row := range []struct {
		name        string
		o           Options
		env         []string
		key, upload string
	}{
		{"GitHub", Options{}, github, "github https://github.com/o/r.git 77 2 test", ""},
		{"GitHub, a part", Options{Shard: "2/4"}, github, "github https://github.com/o/r.git 77 2 test", "shard-2-of-4"},
		{"GitLab, a part", Options{Shard: "2/4"}, gitlab, "gitlab 9 1 rspec", "shard-2-of-4"},
		{"by name", Options{Key: "nightly-7", Shard: "1/2"}, nil, "nightly-7", "shard-1-of-2"},
		{"elsewhere", Options{}, nil, "sha256:", ""},
	} {
		m := newMemory(t)
		row.o.Results = []string{file}
		m.report(t, row.o, row.env...).want(t, row.name, Done)
		for key, run := range m.runs {
			if !strings.HasPrefix(key, row.key) {
				t.Errorf("%s: the key is %q, want %q", row.name, key, row.key)
			}
			for name := range run.uploads {
				if row.upload != "" && name != row.upload || len(name) > 100 {
					t.Errorf("%s: the upload is %q", row.name, name)
				}
			}
			if row.name == "GitHub" && (run.Name != "CI / test" || run.Commit != "c0ffee" || run.Branch != "main" || run.Build != "12" || run.CI.Attempt != 2) {
				t.Errorf("the run is %+v", run.Run)
			}
		}
	}
	m := newMemory(t)
	m.report(t, Options{Results: []string{file}, Shard: "1/2"}).want(t, "a part of nothing", Usage)
	for _, wrongly := range []string{"0/4", "5/4", "1", "1/2/3", "a/b", "1/4 ", "-1/4"} {
		m.report(t, Options{Results: []string{file}, Shard: wrongly, Key: "k"}).want(t, wrongly, Usage)
	}
	for i := range 4 {
		m.report(t, Options{Results: []string{junit(t, 3+i, 0)}, Shard: fmt.Sprintf("%d/4", i+1), Key: "k"}).want(t, "a part", Done)
	}
	if run := m.runs["k"]; len(m.runs) != 1 || len(run.uploads) != 4 || m.stored() != 3+4+5+6 {
		t.Errorf("%d runs with %d results", len(m.runs), m.stored())
	}
	got := m.report(t, Options{Results: []string{junit(t, 9, 0)}, Shard: "1/4", Key: "k"})
	got.want(t, "the same part with other results", Rejected)
}

// TestTKO18_Addresses wants the token to go where nobody else reads it.
func TestTKO18_Addresses(t *testing.T) {
	t.Parallel()
	file := junit(t, 3, 0)
	for _, row := range []struct {
		url  string
		o    Options
		code Code
	}{
		{"http://gatehouse.example.com", Options{}, Usage}, {"http://10.0.0.7:8080", Options{}, Usage}, {"ftp://localhost", Options{}, Usage},
		{"https://user:secret-of-mine@localhost", Options{}, Usage}, {"localhost:8080", Options{}, Usage}, {"https://localhost?token=x", Options{}, Usage},
		{"http://gatehouse.invalid", Options{Insecure: true}, Unreachable}, {nobody(t), Options{}, Unreachable},
	} {
		row.o.Results, row.o.URL, row.o.Token, row.o.Timeout = []string{file}, row.url, memoryToken, 2*time.Second
		got := reportWith(t, row.o)
		got.want(t, row.url, row.code)
		if strings.Contains(got.stderr, "secret-of-mine") {
			t.Errorf("%s: the password was printed", row.url)
		}
	}
	m := newMemory(t)
	for _, token := range []string{"tk_pat_with\nline", "tk pat", "tk_pat_\x00"} {
		m.report(t, Options{Results: []string{file}, Token: token}).want(t, "a token that is none", Usage)
	}
	reportWith(t, Options{Results: []string{file}, URL: m.URL}).want(t, "no token", Usage)
	leaky := write(t, "leaky.xml", `<testsuite name="s"><testcase name="x `+memoryToken+`"><failure message="`+memoryToken+`"/></testcase></testsuite>`)
	m.matched = false
	summary := filepath.Join(t.TempDir(), "summary.md")
	for _, o := range []Options{{}, {Verbose: true}, {JSON: true}, {DryRun: true}} { // each is checked for it
		o.Results = []string{leaky}
		got := m.report(t, o, "GITHUB_ACTIONS", "true", "GITHUB_STEP_SUMMARY", summary)
		got.want(t, "results with the token", Done)
		if o.Verbose && !strings.Contains(got.stderr, "PUT /v1/organizations/") {
			t.Errorf("--verbose tells of no call:\n%s", got.stderr)
		}
	}
	if text, _ := os.ReadFile(summary); strings.Contains(string(text), memoryToken) || len(text) == 0 {
		t.Errorf("the summary holds the token:\n%s", text)
	}
	for i, h := range m.headers {
		if h.Get("Authorization") == "" && !strings.HasSuffix(m.calls[i], "/healthz") {
			t.Errorf("%s came without a token", m.calls[i])
		}
	}
}

// TestTKO19_Files wants every way to name files to find each file once.
func TestTKO19_Files(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := func(name string) string {
		return `<testsuite name="s"><testcase classname="c" name="` + name + `"/></testsuite>`
	}
	for name, text := range map[string]string{
		"a/TEST-1.xml": one("1"), "a/b/TEST-2.xml": one("2"), "a/b/c/TEST-3.xml": one("3"), "a/other.xml": one("4"), "a/.hidden/TEST-5.xml": one("5"),
		"node_modules/x/TEST-6.xml": one("6"), "a/readme.txt": "no results", "[1].xml": one("7"),
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "a", "TEST-1.xml"), filepath.Join(dir, "a", "TEST-link.xml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "a", "loop")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		names string
		want  int
	}{
		{"a/TEST-1.xml", 1}, {"a/TEST-1.xml a/TEST-1.xml ./a/../a/TEST-1.xml a/TEST-link.xml", 1}, {"a/*.xml", 2}, {"a/**/TEST-*.xml", 3}, {"**/TEST-*.xml", 3}, {"a", 4},
		{"a a/**", 4}, {"a/**/b/**/*.xml", 2}, {"**/c/*.xml", 1}, {"a/.hidden/*.xml", 1}, {"node_modules/**/*.xml", 1}, {"[1].xml", 1}, {"-", 1}, {"- a/*.xml", 3}, {"a/TEST-[12].xml", 1},
		{"*", 1}, {"a/TEST-?.xml", 1},
	} {
		var names []string
		for name := range strings.FieldsSeq(row.names) {
			if name != "-" {
				name = filepath.Join(dir, name)
			}
			names = append(names, name)
		}
		if strings.Contains(row.names, "a/**") && !strings.HasSuffix(row.names, ".xml") {
			names = names[:1] // a/** names readme.txt too
		}
		m := newMemory(t)
		m.report(t, Options{Results: names, Format: "junit"}, "stdin", one("stdin")).want(t, row.names, Done)
		if m.stored() != row.want {
			t.Errorf("%s: %d results, want %d", row.names, m.stored(), row.want)
		}
	}
	m := newMemory(t)
	got := m.report(t, Options{Results: []string{filepath.Join(dir, "a/**")}, Format: "junit"})
	got.want(t, "a file that is named and holds no results", BadResults)
	if !strings.Contains(got.stderr, "readme.txt: ") || len(m.calls) > 0 {
		t.Errorf("after %d calls it says:\n%s", len(m.calls), got.stderr)
	}
	m.report(t, Options{Results: []string{filepath.Join(dir, "[")}}).want(t, "a pattern that is none", BadResults)
	m.report(t, Options{Results: []string{""}}).want(t, "no name", BadResults)
}

// TestTKO20_Matching wants results that match no test case to be listed and
// counted, and to be a failure only where that is asked for.
func TestTKO20_Matching(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.matched = false
	o := Options{Results: []string{junit(t, 25, 0)}}
	got := m.report(t, o)
	got.want(t, "unmatched", Done)
	for _, want := range []string{"25  match no test case", "- pkg.Class › case 0", "… and 15 more"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("want %q in:\n%s", want, got.stdout)
		}
	}
	o.Strict = true
	m.report(t, o).want(t, "unmatched, --strict", Hit)
	o.JSON = true
	var d document
	if got = m.report(t, o); json.Unmarshal([]byte(got.stdout), &d) != nil || d.Unmatched == nil || d.Unmatched.Count != 25 || len(d.Unmatched.First) != 10 || d.ExitCode != Hit {
		t.Errorf("--json: %s", got.stdout)
	}
	for _, as := range []string{"skipped", "blocked", "ignore"} {
		m.report(t, Options{Results: o.Results, SkippedAs: as}).want(t, as, Done)
	}
	m.report(t, Options{Results: o.Results, SkippedAs: "failed"}).want(t, "failed", Usage)
}

// TestWhose wants the organization and the project of the token where none is named.
func TestWhose(t *testing.T) {
	t.Parallel()
	file := junit(t, 3, 0)
	m := newMemory(t)
	m.report(t, Options{Results: []string{file}}).want(t, "the only project", Done)
	m.projects = []string{"PRJ-1", "PRJ-2"}
	got := m.report(t, Options{Results: []string{file}})
	got.want(t, "one of two projects", Usage)
	if !strings.Contains(got.stderr, "PRJ-1, PRJ-2") {
		t.Errorf("it says: %s", got.stderr)
	}
	m.self.Subject = api.Subject{Type: "project", ID: "22222222-2222-7222-8222-222222222222"}
	m.report(t, Options{Results: []string{file}}).want(t, "a token of a project", Done)
	m.self.Organization = ""
	m.report(t, Options{Results: []string{file}}).want(t, "a token of the installation", Usage)
	for _, o := range []Options{{Organization: "../.."}, {Project: "PRJ 1"}, {Cycle: "a/b"}, {Key: "a\nb"}, {Name: "\x1b[2J"}, {FailOn: []string{"never", "always"}}, {OnEmpty: "x"}, {Timeout: -1}} {
		o.Results = []string{file}
		m.report(t, o).want(t, fmt.Sprintf("%+v", o), Usage)
	}
}

// TestAttachments wants the files that are named to be kept, and of those that
// results name only those that lie where the tests ran.
func TestAttachments(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"shots/1.png": "one", "shots/2.png": "two", "log.txt": "log", ".env": "SECRET=1"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := write(t, "outside.txt", "outside")
	if err := os.Symlink(outside, "link.txt"); err != nil {
		t.Fatal(err)
	}
	if !here("log.txt") || here(outside) || here("link.txt") || here(".env") || here("../x") || here("shots") || here("none") {
		t.Error("what lies below the working directory isn't told from what doesn't")
	}
	m := newMemory(t)
	m.report(t, Options{Results: []string{junit(t, 2, 0)}, Attach: []string{"shots/**/*.png", "shots/1.png", "shots", "none*"}}).want(t, "attachments", Done)
	if len(m.files) != 2 || m.count("/files") != 2 {
		t.Errorf("kept: %v", m.files)
	}
	if err := os.WriteFile("shots/results.xml", []byte(`<testsuite name="s"><testcase classname="c" name="n"><properties>`+
		`<property name="attachment" value="shots/1.png"/><property name="attachment" value="2.png"/><property name="attachment" value="`+outside+`"/>`+
		`<property name="attachment" value=".env"/><property name="attachment" value="../link.txt"/></properties></testcase></testsuite>`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []bool{false, true} {
		m = newMemory(t)
		m.report(t, Options{Results: []string{"shots/results.xml"}, Attachments: asked}).want(t, "attachments that are named", Done)
		if want := map[bool]int{true: 2}[asked]; len(m.files) != want {
			t.Errorf("asked %t: kept %v, want %d", asked, m.files, want)
		}
	}
}

// TestOIDC wants the identity of a job to be traded for a token, which is
// renewed before it ends.
func TestOIDC(t *testing.T) {
	t.Parallel()
	file := junit(t, 2500, 0)
	with := func(m *memory, identity string, env ...string) said {
		return reportWith(t, Options{Results: []string{file}, URL: m.URL, OIDC: true, Organization: "1173", Project: "PRJ-1"}, append(env, "GATEHOUSE_ID_TOKEN", identity)...)
	}
	m := newMemory(t, trouble{on: "/oauth2/token", how: "503"})
	got := with(m, "an.identity.token")
	if got.want(t, "a trade", Done); m.stored() != 2500 || len(got.waits) != 1 || strings.Contains(got.stdout+got.stderr, memoryToken) {
		t.Errorf("%d results after %v:\n%s", m.stored(), got.waits, got.stderr)
	}
	got = with(newMemory(t), "a.strange.token")
	if got.want(t, "nobody trusts it", Rejected); !strings.Contains(got.stderr, "nobody trusts it") {
		t.Errorf("it says: %s", got.stderr)
	}
	with(newMemory(t), "").want(t, "no identity", Usage)
	late := newMemory(t)
	if got = with(late, "an.identity.token", "late", "yes"); got.code == Done || late.count("/oauth2/token") != 1 || !strings.Contains(got.stderr, "run the job again") {
		t.Errorf("the one identity token of a job was traded %d times, exit code %d:\n%s", late.count("/oauth2/token"), got.code, got.stderr)
	}
	gitHub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"value":"an.identity.token"}`)
	}))
	defer gitHub.Close()
	small := junit(t, 1, 0)
	attach := []string{small}
	attached, asked := 0, 0 // trades right before attachments, and before questions, wherever the time falls
	for range 4 {
		attach = append(attach, write(t, "a.txt", "a"))
		late = newMemory(t)
		got = reportWith(t, Options{Results: []string{small}, Attach: attach, URL: late.URL, OIDC: true, Organization: "1173", Project: "PRJ-1"},
			"late", "yes", "ACTIONS_ID_TOKEN_REQUEST_URL", gitHub.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x")
		got.want(t, "a trade that takes long", Done)
		last := ""
		for _, call := range late.calls {
			if last == "POST /oauth2/token" {
				attached += map[bool]int{true: 1}[strings.HasSuffix(call, "/files")]
				asked += map[bool]int{true: 1}[strings.HasPrefix(call, "GET")]
			}
			last = call
		}
	}
	if attached == 0 || asked == 0 {
		t.Errorf("%d trades were made before attachments, and %d before questions", attached, asked)
	}
	late.report(t, Options{Results: []string{file}, OIDC: true, Project: "pr-7"}).want(t, "a token and an identity", Usage)
}

// TestO13_WhoseProject wants an identity never to be traded for a token of a
// project that others may have as well.
func TestO13_WhoseProject(t *testing.T) {
	t.Parallel()
	file := junit(t, 1, 0)
	for _, row := range []struct {
		organization, project string
		code                  Code
	}{
		{"", "PRJ-1", Usage}, {"", "", Usage}, {"", "pr-", Usage}, {"", "pr-01", Usage}, {"", "11111111-1111-7111-8111-11111111111", Usage},
		{"1173", "PRJ-1", Done}, {"", "pr-7", Done}, {"", "11111111-1111-7111-8111-111111111112", Done},
	} {
		m := newMemory(t)
		got := reportWith(t, Options{Results: []string{file}, URL: m.URL, OIDC: true, Organization: row.organization, Project: row.project}, "GATEHOUSE_ID_TOKEN", "an.identity.token")
		got.want(t, fmt.Sprintf("%+v", row), row.code)
		if row.code == Usage && len(m.calls) > 0 {
			t.Errorf("%+v: the server was asked %q", row, m.calls)
		}
	}
}
