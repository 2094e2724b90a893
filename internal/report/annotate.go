package report

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What a CI system is told at most.
const (
	mostAnnotations = 10
	mostSummary     = 900 << 10 // bytes, of the 1 MiB that GitHub takes of a step
)

// annotate tells the CI system which tests failed, in its own words.
func (o *output) annotate(done *outcome) {
	r := done.reading
	if r == nil || done.state == "" && done.code != Partly {
		return
	}
	list := r.failures[:min(len(r.failures), mostAnnotations)]
	switch o.job.at.Provider {
	case "github":
		for _, f := range list {
			o.print(o.stderr, onGitHub(f)+"\n")
		}
		o.summarize(done)
	case "azurepipelines":
		for _, f := range list {
			o.print(o.stderr, onAzure(f)+"\n")
		}
	}
}

// onGitHub is a command of GitHub's runner that shows a failed test at its line.
// Whatever the test is called, it is one command, and that one.
func onGitHub(f failing) string {
	var at []string
	if f.File != "" {
		at = append(at, "file="+githubProperty.Replace(f.File))
		if f.Line > 0 {
			at = append(at, "line="+strconv.Itoa(f.Line))
		}
	}
	at = append(at, "title="+githubProperty.Replace(plain(full(f.Class, f.Name), mostOfName)))
	return "::error " + strings.Join(at, ",") + "::" + githubData.Replace(first(f.Message, "failed"))
}

// How GitHub's runner wants the data and the properties of a command written.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// onAzure is a command of the agent of Azure Pipelines.
func onAzure(f failing) string {
	at := "type=error;"
	if f.File != "" {
		at += "sourcepath=" + azureProperty.Replace(f.File) + ";"
		if f.Line > 0 {
			at += "linenumber=" + strconv.Itoa(f.Line) + ";"
		}
	}
	return "##vso[task.logissue " + at + "]" + azureData.Replace(plain(full(f.Class, f.Name)+": "+first(f.Message, "failed"), mostOfDetail))
}

var (
	azureData     = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A")
	azureProperty = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")
)

// section writes lines below a head, which GitLab can fold.
func (o *output) section(b *strings.Builder, head string, body func()) {
	if o.job.at.Provider != "gitlab" || o.job.JSON {
		fmt.Fprintf(b, "%s:\n", head)
		body()
		return
	}
	name, now := "gatehouse_"+strings.ReplaceAll(head, " ", "_"), o.job.Now().Unix()
	fmt.Fprintf(b, "\x1b[0Ksection_start:%d:%s[collapsed=true]\r\x1b[0K%s:\n", now, name, head)
	body()
	fmt.Fprintf(b, "\x1b[0Ksection_end:%d:%s\r\x1b[0K", now, name)
}

// summarize adds to the summary of GitHub's step.
func (o *output) summarize(done *outcome) {
	name := o.job.Getenv("GITHUB_STEP_SUMMARY")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		o.warn("GITHUB_STEP_SUMMARY: %v", reason(err))
		return
	}
	defer file.Close()
	text := hiding(markdown(done), o.job.Token)
	if info, err := file.Stat(); err != nil || info.Size()+int64(len(text)) > mostSummary {
		o.warn("the summary of this step is full")
		return
	}
	if _, err := file.WriteString(text); err != nil {
		o.warn("GITHUB_STEP_SUMMARY: %v", reason(err))
	}
}

// markdown is a report as a page.
func markdown(done *outcome) string {
	var b strings.Builder
	r, c := done.reading, done.reading.counts
	title := "Test results"
	if done.run != nil {
		title = fmt.Sprintf("Test run %d: %s", done.run.Number, quoted(done.run.Name))
	}
	fmt.Fprintf(&b, "### %s\n\n| passed | failed | errors | skipped | flaky |\n|---:|---:|---:|---:|---:|\n| %s | %s | %s | %s | %s |\n\n",
		title, number(c.Passed), number(c.Failed), number(c.Errors), number(c.Skipped), number(c.Flaky))
	if ch := done.changes; ch != nil && ch.Since != nil {
		fmt.Fprintf(&b, "Since run %d: %d newly failing, %d fixed, %d still failing.\n\n", ch.Since.Number, len(ch.NewlyFailing), len(ch.Fixed), len(ch.StillFailing))
	}
	if len(r.failures) > 0 {
		b.WriteString("| failed | where | why |\n|---|---|---|\n")
		for _, f := range r.failures {
			at := f.File
			if at != "" && f.Line > 0 {
				at += ":" + strconv.Itoa(f.Line)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", quoted(full(f.Class, f.Name)), quoted(at), quoted(f.Message))
		}
		if more := int64(len(r.failed)) + c.SuiteErrors - int64(len(r.failures)); more > 0 {
			fmt.Fprintf(&b, "\nAnd %s more.\n", number(more))
		}
		b.WriteString("\n")
	}
	if done.state != "uploaded" {
		fmt.Fprintf(&b, "**Not everything is stored:** %d of %d batches.\n\n", done.batches, len(r.spool.batches))
	}
	return b.String()
}

// quoted is a text that is nothing but text in Markdown, and in the HTML that
// it becomes.
func quoted(text string) string {
	var b strings.Builder
	for _, r := range plain(text, mostOfMessage) {
		if r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r <= '~' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
