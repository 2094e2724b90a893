package api

import "time"

// StartRun begins a test run, or finds the one that has its key: whoever sends
// the same key reports to the same run.
type StartRun struct {
	Key       string `json:"key" doc:"names the run in its project, up to 200 characters"`
	Name      string `json:"name,omitempty" doc:"what was tested, such as nightly; runs of one name are compared with each other"`
	Cycle     string `json:"cycle,omitempty" doc:"such as TCYCLE-5; absent: TCYCLE-1, the master cycle"`
	Build     string `json:"build,omitempty" doc:"of what was tested"`
	Commit    string `json:"commit,omitempty" doc:"of what was tested"`
	Branch    string `json:"branch,omitempty" doc:"of what was tested"`
	SkippedAs string `json:"skipped_as,omitempty" enum:"skipped,blocked,ignored" doc:"how skipped tests stand in the cycle; absent: skipped"`
	Shards    int    `json:"shards,omitempty" doc:"how many uploads make the run complete; absent: 1"`
	CI        *CI    `json:"ci,omitempty"`
}

// CI says where tests ran. All of it is for people.
type CI struct {
	Provider    string `json:"provider,omitempty" doc:"such as github"`
	Repository  string `json:"repository,omitempty" doc:"its address"`
	PullRequest string `json:"pull_request,omitempty"`
	Tag         string `json:"tag,omitempty"`
	Pipeline    string `json:"pipeline,omitempty"`
	PipelineURL string `json:"pipeline_url,omitempty"`
	Job         string `json:"job,omitempty"`
	JobURL      string `json:"job_url,omitempty"`
	Attempt     int    `json:"attempt,omitempty" doc:"of the pipeline, from 1"`
}

// Run is one report of test results: of a pipeline, a machine or a person.
type Run struct {
	ID          string     `json:"id" format:"uuid"`
	Number      int64      `json:"number" doc:"in its project"`
	Key         string     `json:"key,omitempty"`
	Name        string     `json:"name"`
	Cycle       string     `json:"cycle"`
	Source      string     `json:"source" enum:"results,file,launch" doc:"how it came: as results, as files, or from an agent"`
	Status      string     `json:"status" enum:"in_progress,passed,failed,interrupted"`
	Build       string     `json:"build,omitempty"`
	Commit      string     `json:"commit,omitempty"`
	Branch      string     `json:"branch,omitempty"`
	CI          *CI        `json:"ci,omitempty"`
	Counts      RunCounts  `json:"counts"`
	Matched     int64      `json:"matched" doc:"results that stand for a test case"`
	SuiteErrors int64      `json:"suite_errors" doc:"failures outside of any test"`
	Redacted    int64      `json:"redacted,omitempty" doc:"credentials of this server that were found in it and taken out"`
	Shards      int        `json:"shards"`
	Uploads     []Upload   `json:"uploads,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	FinishedAt  *time.Time `json:"finished_at,omitempty"`
}

// RunCounts says how the results of a run went.
type RunCounts struct {
	Total   int64 `json:"total"`
	Passed  int64 `json:"passed"`
	Failed  int64 `json:"failed"`
	Errors  int64 `json:"errors"`
	Skipped int64 `json:"skipped"`
	Blocked int64 `json:"blocked"`
	Ignored int64 `json:"ignored"`
	Flaky   int64 `json:"flaky" doc:"of those that passed: they failed first"`
}

// DeclareUpload says what one upload to a run will hold.
type DeclareUpload struct {
	Digest      string         `json:"digest" doc:"SHA-256 of what is uploaded, in hex; an upload of the same name with another one is refused"`
	Batches     int            `json:"batches" doc:"how many batches of results follow"`
	SuiteErrors int64          `json:"suite_errors,omitempty"`
	Files       []UploadedFile `json:"files,omitempty" doc:"that the results were read from"`
}

// UploadedFile is a file that results were read from.
type UploadedFile struct {
	Name     string   `json:"name"`
	Format   string   `json:"format"`
	Bytes    int64    `json:"bytes"`
	Warnings []string `json:"warnings,omitempty"`
}

// Upload is a part of a run that is stored in batches: in any order, each once.
type Upload struct {
	Name        string         `json:"name"`
	Digest      string         `json:"digest"`
	Batches     int            `json:"batches"`
	Missing     []int          `json:"missing" doc:"batches that aren't stored yet, from 1; at most 1000 of them"`
	Complete    bool           `json:"complete"`
	SuiteErrors int64          `json:"suite_errors"`
	Files       []UploadedFile `json:"files,omitempty"`
}

// ResultBatch is some of the results of an upload.
type ResultBatch struct {
	Results []Result `json:"results" doc:"at most 1000"`
}

// StoredBatch says that a batch is stored, and how its run stands now.
type StoredBatch struct {
	Repeated bool `json:"repeated" doc:"it was stored before"`
	Run      Run  `json:"run"`
}

// Result is what came of one test.
type Result struct {
	Name        string     `json:"name"`
	Class       string     `json:"class,omitempty" doc:"what the test stands in: a class, a file, a feature"`
	Suite       string     `json:"suite,omitempty"`
	File        string     `json:"file,omitempty" doc:"source of the test"`
	Line        int        `json:"line,omitempty"`
	CodeRef     string     `json:"code_ref,omitempty" doc:"names the test in its source; absent: made of class and name"`
	Status      string     `json:"status" enum:"passed,failed,error,skipped,blocked,ignored" doc:"ignored: it says nothing about its test case"`
	Flaky       bool       `json:"flaky,omitempty" doc:"it failed, and passed when it was tried again"`
	Attempt     int        `json:"attempt,omitempty" doc:"from 1, of a test that was tried several times"`
	DurationMs  int64      `json:"duration_ms"`
	Message     string     `json:"message,omitempty" doc:"why it failed or was skipped, up to 5000 characters"`
	Detail      string     `json:"detail,omitempty" doc:"the stack or the output, up to 20000 characters"`
	Properties  []Property `json:"properties,omitempty"`
	Attachments []string   `json:"attachments,omitempty" doc:"names of files"`
}

// Property is what a test says of itself.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RunResult is a stored result.
type RunResult struct {
	Position int64  `json:"position" doc:"in its run"`
	Test     string `json:"test,omitempty" format:"uuid" doc:"whose history it is part of; absent for what is older than histories"`
	Case     string `json:"case,omitempty" doc:"test case that it stands for, such as TC-12; a result that stands for several is there for each"`
	Retried  bool   `json:"retried,omitempty" doc:"another attempt followed; it is not counted"`
	Result
}

// RunChanges says what a run changed, compared with the last complete one of
// the same name on the same branch before it.
type RunChanges struct {
	Since        *Run         `json:"since,omitempty" doc:"the run before; absent where there is none"`
	NewlyFailing []TestChange `json:"newly_failing" doc:"at most 100, as each list"`
	StillFailing []TestChange `json:"still_failing"`
	Fixed        []TestChange `json:"fixed"`
	New          int64        `json:"new" doc:"tests that were not there before"`
	Missing      int64        `json:"missing" doc:"tests that are not there any more"`
}

// TestChange is a test whose outcome a run changed, or didn't.
type TestChange struct {
	Test    string `json:"test" format:"uuid"`
	Name    string `json:"name"`
	Class   string `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	Flaky   bool   `json:"flaky,omitempty"`
}

// Test is a test as its results tell of it.
type Test struct {
	ID         string     `json:"id" format:"uuid"`
	Name       string     `json:"name"`
	Class      string     `json:"class,omitempty"`
	CodeRef    string     `json:"code_ref"`
	Status     string     `json:"status" enum:"passed,failed,error,skipped,blocked,ignored" doc:"of its last result"`
	Flaky      bool       `json:"flaky" doc:"it passed and failed on one commit within 14 days, and has not passed five times in a row since"`
	FlakySince *time.Time `json:"flaky_since,omitempty"`
	DurationMs int64      `json:"duration_ms" doc:"of its last result"`
	Results    int64      `json:"results" doc:"how many there were"`
	FirstSeen  time.Time  `json:"first_seen"`
	LastSeen   time.Time  `json:"last_seen"`
}

// TestResult is one result in the history of a test.
type TestResult struct {
	Run        string    `json:"run" format:"uuid"`
	RunNumber  int64     `json:"run_number"`
	Position   int64     `json:"position"`
	Status     string    `json:"status" enum:"passed,failed,error,skipped,blocked,ignored"`
	Flaky      bool      `json:"flaky,omitempty"`
	Commit     string    `json:"commit,omitempty"`
	Branch     string    `json:"branch,omitempty"`
	DurationMs int64     `json:"duration_ms"`
	Message    string    `json:"message,omitempty"`
	At         time.Time `json:"at"`
}

// RunFile is a file that is kept with a run.
type RunFile struct {
	Number    int64     `json:"number" doc:"in its project"`
	Name      string    `json:"name"`
	Format    string    `json:"format" doc:"of the results in it; file where it is any file"`
	Type      string    `json:"type" doc:"a media type, by what is in it"`
	Bytes     int64     `json:"bytes"`
	SHA256    string    `json:"sha256"`
	CreatedAt time.Time `json:"created_at"`
}

// RunFiles are the files that are kept with a run.
type RunFiles struct {
	Items []RunFile `json:"items" doc:"at most 100"`
}
