package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/api"
)

// nasty are names and messages of tests by which somebody tries to command a
// terminal or a CI system.
var nasty = []string{
	"::error file=x::y", "x\n::set-output name=a::b", "x\r\n::add-mask::y", "x%0A::stop-commands::y", "##[add-mask]x", "###[error]x", "x ##vso[task.setvariable variable=a]b",
	"##teamcity[buildStatus text='x']", "\x1b[2J\x1b[31mred", "\u202egnp.exe", "a\u200b\u2066b", "\x1b[0Ksection_end:1:gatehouse_failed\r\x1b[0K", "--- group", "`x` | **b** <img src=x onerror=y> [l](http://e) @all #1",
	"\x00\x07\u0085\u009b31m", "a,b:c%d;e]f", "\u2028::error::x", "#\u200b#[x]", "#\n#[x]", "\xff\xfe",
}

// TestNastyNames wants texts of tests to be nothing but text, wherever they are
// printed.
func TestNastyNames(t *testing.T) {
	t.Parallel()
	var xml strings.Builder
	xml.WriteString(`<testsuite name="s">`)
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\n", "&#10;", "\r", "&#13;")
	for _, text := range nasty {
		text = strings.Map(func(r rune) rune { // what XML may hold at all
			if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError {
				return -1
			}
			return r
		}, text)
		text = escape.Replace(text)
		xml.WriteString(`<testcase classname="` + text + `" name="` + text + `" file="` + text + `" line="7"><failure message="` + text + `"/></testcase>`)
	}
	xml.WriteString(`</testsuite>`)
	file := write(t, "nasty.xml", xml.String())
	for _, env := range [][]string{
		{"GITHUB_ACTIONS", "true", "GITHUB_RUN_ID", "1", "GITHUB_STEP_SUMMARY", filepath.Join(t.TempDir(), "summary.md")},
		{"TF_BUILD", "True", "BUILD_BUILDID", "1"}, {"GITLAB_CI", "true", "CI_PIPELINE_ID", "1"}, {"TEAMCITY_VERSION", "1"}, {}, {"terminal", "yes"},
	} {
		m := newMemory(t, trouble{on: "/batches/", how: "503"})
		m.matched = false
		for i := range nasty {
			m.changes.NewlyFailing = append(m.changes.NewlyFailing, api.TestChange{Name: nasty[i], Class: nasty[i]})
		}
		m.changes.Since = &api.Run{Number: 1}
		got := m.report(t, Options{Results: []string{file}, Name: "n"}, env...)
		got.want(t, "nasty names", Done)
		for line := range strings.SplitSeq(got.stdout+got.stderr, "\n") {
			checkLine(t, line, append(env, "", "")[0])
		}
		if len(env) > 4 {
			checkSummary(t, env[5])
		}
		got = m.report(t, Options{Results: []string{file}, Name: "n", JSON: true}, env...)
		checkJSON(t, got, append(env, "", "")[0])
	}
}

// checkJSON wants JSON that says what the server said, and commands nothing.
func checkJSON(t *testing.T, got said, where string) {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(got.stdout), &d); err != nil || d.Changes == nil || len(d.Changes.NewlyFailing) != len(nasty) {
		t.Fatalf("--json prints %s: %v", got.stdout, err)
	}
	for i, change := range d.Changes.NewlyFailing {
		if want := string([]rune(nasty[i])); change.Name != want {
			t.Errorf("--json prints %q, want %q", change.Name, want)
		}
	}
	checkLine(t, strings.TrimSuffix(got.stdout, "\n"), where)
}

// ours are the commands that a report gives.
var ours = map[string]*regexp.Regexp{
	"GITHUB_ACTIONS": regexp.MustCompile(`^::error file=[^,:\r\n]*,line=7,title=[^,:\r\n]*::[^\r\n]*$|^::error (file=[^,:\r\n]*,)?(line=7,)?title=[^,:\r\n]*::[^\r\n]*$`),
	"TF_BUILD":       regexp.MustCompile(`^##vso\[task\.logissue type=error;(sourcepath=[^;\]\r\n]*;)?(linenumber=7;)?\][^\r\n]*$`),
	"GITLAB_CI":      regexp.MustCompile(`^(\x1b\[0Ksection_(start|end):\d+:gatehouse_[a-z_]+(\[collapsed=true\])?\r\x1b\[0K[a-z ]*:?)+|^\x1b\[0Ksection_end:\d+:gatehouse_[a-z_]+\r\x1b\[0K`),
	"terminal":       regexp.MustCompile(`^(\r\x1b\[K(\[[#.]+\] \d+ of \d+ batches, [\d,]+ results?)?)+`),
}

// checkLine wants a line that commands nothing but what a report commands.
func checkLine(t *testing.T, line, where string) {
	t.Helper()
	if own := ours[where]; own != nil {
		if where == "GITHUB_ACTIONS" || where == "TF_BUILD" {
			if own.MatchString(line) {
				line = line[2:]
				if at := strings.Index(line, "]"); where == "TF_BUILD" && at > 0 {
					line = "said: " + line[at+1:]
				}
			}
		} else {
			line = own.ReplaceAllString(line, "")
		}
	}
	if strings.HasPrefix(strings.TrimSpace(line), "::") || regexp.MustCompile(`##[a-z]*\[`).MatchString(line) || strings.HasPrefix(line, "--- ") {
		t.Errorf("on %s a line commands something: %q", where, line)
	}
	if at := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); at >= 0 {
		t.Errorf("on %s a line holds what doesn't show: %q", where, line)
	}
}

// checkSummary wants a summary whose only Markdown and HTML is that of a report.
func checkSummary(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.Count(line, "|") != 0 && strings.Count(line, "|") != 4 && strings.Count(line, "|") != 6 {
			t.Errorf("a row has other columns: %q", line)
		}
		if rest := regexp.MustCompile(`&#\d+;`).ReplaceAllString(line, ""); strings.ContainsAny(rest, "<>`@[]()&\\_\r\x1b") {
			t.Errorf("the summary is more than text: %q", line)
		}
		if strings.HasPrefix(line, "| ") {
			rows++
		}
	}
	if rows < len(nasty) || len(text) > 200<<10 {
		t.Errorf("the summary has %d rows and %d bytes", rows, len(text))
	}
}

// TestSummary wants what people look for.
func TestSummary(t *testing.T) {
	t.Parallel()
	m := newMemory(t)
	m.changes = api.RunChanges{Since: &api.Run{Number: 1}, NewlyFailing: []api.TestChange{{Name: "new", Class: "c"}}, Fixed: []api.TestChange{{Name: "old"}}, New: 4}
	got := m.report(t, Options{Results: []string{junit(t, 1234, 12)}, Name: "nightly", Cycle: "TCYCLE-5", FailOn: []string{"new-failures"}})
	got.want(t, "a new failure", Hit)
	for _, want := range []string{
		"reported 1,234 results of 1 file to run 1, nightly, in TCYCLE-5\n", "1,222  passed\n", "12  failed\n", "1  newly failing\n", "1  fixed\n", "4  new tests\n",
		"failed:\n  - pkg.Class › case 0: it is wrong 0\n", "  … and 2 more\n", "newly failing:\n  - c › new\n", "fixed:\n  - old\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("want %q in:\n%s", want, got.stdout)
		}
	}
	if want := "gatehouse: tests fail that didn't before (exit code 1)\n"; !strings.Contains(got.stderr, want) || strings.Contains(got.stderr+got.stdout, "\x1b") {
		t.Errorf("want %q in:\n%s", want, got.stderr)
	}
	got = m.report(t, Options{Results: []string{junit(t, 5, 1)}, DryRun: true})
	if got.want(t, "a dry run", Done); got.stdout != "would report 5 results of 1 file, in 1 batch; nothing was sent\n        4  passed\n        1  failed\nfailed:\n  - pkg.Class › case 0: it is wrong 0\n" {
		t.Errorf("a dry run prints:\n%s", got.stdout)
	}
	reportWith(t, Options{Results: []string{junit(t, 5, 1)}, DryRun: true}).want(t, "a dry run without a server and a token", Done)
	got = m.report(t, Options{Results: []string{junit(t, 2500, 0)}}, "terminal", "yes")
	if !strings.Contains(got.stderr, "] 3 of 3 batches, 2,500 results") || !strings.HasSuffix(got.stderr, "\r\x1b[K") {
		t.Errorf("on a terminal: %q", got.stderr)
	}
	full := write(t, "full.md", strings.Repeat("x", mostSummary))
	got = m.report(t, Options{Results: []string{junit(t, 5, 1)}}, "GITHUB_ACTIONS", "1", "GITHUB_STEP_SUMMARY", full)
	if info, err := os.Stat(full); err != nil || info.Size() != mostSummary || !strings.Contains(got.stderr, "the summary of this step is full") {
		t.Errorf("a full summary: %v\n%s", err, got.stderr)
	}
}

// FuzzPlain wants every text to come out as one line that commands nothing, in
// all the ways that it is written.
func FuzzPlain(f *testing.F) {
	for _, text := range nasty {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const most = 80
		got := plain(text, most)
		if n := utf8.RuneCountInString(strings.ReplaceAll(got, " ", "")); n > most+1 || !utf8.ValidString(got) {
			t.Errorf("%d characters of %q", n, text)
		}
		if again := plain(got, 2*most+1); again != got {
			t.Errorf("%q becomes %q, and that %q", text, got, again)
		}
		checkLine(t, "  - "+got, "")
		fail := failing{Name: got, Class: got, File: got, Line: 7, Message: got}
		checkLine(t, onGitHub(fail), "GITHUB_ACTIONS")
		checkLine(t, onAzure(fail), "TF_BUILD")
		if rest := regexp.MustCompile(`&#\d+;`).ReplaceAllString(quoted(text), ""); strings.ContainsAny(rest, "<>`@[]()&\\_|*~#!\"'\n") {
			t.Errorf("%q is more than text in Markdown: %q", text, quoted(text))
		}
	})
}

// FuzzGlob wants every pattern to end, and one without magic to fit itself alone.
func FuzzGlob(f *testing.F) {
	for _, pair := range [][2]string{{"**/*.xml", "a/b/c.xml"}, {"a/**/**/b", "a/b"}, {"**/**/**/**/x", "a/a/a/a/a/a/a/y"}, {"a/[b-c]/?", "a/b/c"}, {"a\\*", "a*"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if strings.Count(pattern, "**") > 8 || len(pattern)+len(name) > 200 || pattern == "" || strings.Contains("/"+pattern+"/", "//") || strings.Contains("/"+name+"/", "//") {
			return
		}
		parts, path := strings.Split(pattern, "/"), strings.Split(name, "/")
		if fits(parts, path) && !mayLead(parts, path[:len(path)-1]) {
			t.Errorf("%q fits %q, and the way there is cut off", name, pattern)
		}
		if !strings.ContainsAny(pattern, magic+`\`) && fits(parts, path) != (pattern == name) {
			t.Errorf("%q and %q", pattern, name)
		}
	})
}
