package workspace

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The statuses of results as they are reported, and as they are kept. An error
// is a failure, and says so beside.
var resultStatuses = map[string]string{
	"pass": "pass", "passed": "pass", "fail": "fail", "failed": "fail", "error": "fail", "blocked": "blocked", "skipped": "skipped", ignored: ignored,
}

// readyResults checks results that are reported to a run, cuts the texts that a
// program wrote, and takes our secrets out of them. It returns what it found.
func (w *Workspace) readyResults(run *store.TestRun, results []store.TestResult) (exposed, error) {
	found := exposed{}
	for i := range results {
		r := &results[i]
		w.redactResult(r, &found) // before anything is cut
		if err := checkResult(r, fmt.Sprintf("results.%d.", i)); err != nil {
			return found, err
		}
		if r.Status == "skipped" {
			r.Status = or(run.SkippedAs, "skipped")
		}
	}
	return found, nil
}

func checkResult(r *store.TestResult, field string) error {
	word := strings.ToLower(r.Status)
	status, known := resultStatuses[word]
	if !known {
		return credential.InvalidField(field+"status", "must be one of: passed, failed, error, blocked, skipped, ignored")
	}
	if r.Duration < 0 || r.Duration > mostDuration {
		return credential.InvalidField(field+"durationMs", "must lie between 0 and 30 days")
	}
	if r.Attempt < 0 || r.Attempt > mostAttempt {
		return credential.InvalidField(field+"attempt", "must be a number from 0 to %d", mostAttempt)
	}
	if r.Name = clip(r.Name, mostName); r.Name == "" {
		return credential.InvalidField(field+"name", "must not be empty")
	}
	r.Status, r.Error = status, r.Error && status == "fail" || word == "error"
	r.Class, r.Suite, r.File, r.Line = clip(r.Class, mostName), clip(r.Suite, mostName), clip(r.File, mostName), min(max(r.Line, 0), mostLine)
	r.Message, r.Detail = clip(r.Message, mostMessage), clip(r.Detail, mostResultText)
	r.CodeRef = clip(or(r.CodeRef, joined(r.Class, r.Name)), 2*mostName+1)
	if len(r.Properties) > mostProperties || len(r.Attachments) > mostAttachments {
		return credential.InvalidField(field+"properties", "at most %d, and at most %d attachments", mostProperties, mostAttachments)
	}
	for i := range r.Properties {
		p := &r.Properties[i]
		p.Name, p.Value = clip(p.Name, mostName), clip(p.Value, mostRemark)
	}
	for i := range r.Attachments {
		r.Attachments[i] = clip(r.Attachments[i], mostName)
	}
	return nil
}

// joined names a test that is in a class.
func joined(class, name string) string {
	if class == "" {
		return name
	}
	return class + "." + name
}

// ciOf reads what an upload says of where its tests ran: of a JSON object what
// is known here.
func ciOf(text string) (ci store.RunCI, commit, branch string) {
	in := struct {
		store.RunCI
		Commit string `json:"commit"`
		Branch string `json:"branch"`
	}{}
	if json.Unmarshal([]byte(text), &in) != nil { // in words of its own: it is kept with the files
		return ci, "", ""
	}
	return cutCI(in.RunCI), clip(in.Commit, mostKey), clip(in.Branch, mostBranch)
}

// cutCI cuts what is said of where tests ran.
func cutCI(ci store.RunCI) store.RunCI {
	for _, text := range []*string{&ci.Provider, &ci.Repository, &ci.PullRequest, &ci.Tag, &ci.Pipeline, &ci.PipelineURL, &ci.Job, &ci.JobURL} {
		*text = clip(*text, mostRemark)
	}
	ci.Attempt = min(max(ci.Attempt, 0), mostAttempt)
	return ci
}
