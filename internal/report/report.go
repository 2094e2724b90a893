// Package report reads files of test results and sends them to a server.
//
// It hides how that is made safe: everything is read to its end, counted and
// packed before anything is sent; what is sent has names that follow from the
// contents and from where the tests ran, so that the server stores it once,
// however often it is sent and by however many; and the exit code says what
// is true on the server.
//
// Invariants: nothing is uploaded of files that can't be read; Done is never
// returned where nothing was stored, unless that was asked for; the token
// appears in no output; no text of a test gives a command to a terminal or a
// CI system.
package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// Code is the exit code of a report.
type Code int

// What became of a report.
const (
	Done        Code = iota // it is stored
	Hit                     // it is stored, and FailOn or Strict ask for a failure
	Usage                   // the command was wrong
	BadResults              // there are no results, or they can't be read: nothing was sent
	Rejected                // the server refuses it
	Unreachable             // the network or the server failed, also when tried again
	Limited                 // too many requests, also when tried again
	Partly                  // a part is stored; the same again completes it
	OverBudget              // a budget has no room for it
)

// DefaultURL is where a server listens that nobody configured.
const DefaultURL = "http://127.0.0.1:8080"

// Options say what is reported, and where to.
type Options struct {
	URL          string   // of the server; empty: DefaultURL, if somebody is there
	Token        string   // the credential; unless OIDC
	Organization string   // its number or id; empty: that of the credential
	Project      string   // such as PRJ-1; empty: the only one
	Cycle        string   // such as TCYCLE-5; empty: the master cycle
	Format       string   // of the files; empty or auto: by their content
	Results      []string // files, directories, patterns, or - for standard input
	Build        string
	SkippedAs    string // skipped, blocked or ignore
	Key, Name    string // of the run
	Commit       string
	Branch       string
	Shard        string // such as 1/4
	Attach       []string
	Attachments  bool     // those that the files name, where they lie below the working directory
	FailOn       []string // failed, flaky, new-failures, never
	OnEmpty      string   // error, warn or ignore
	Strict       bool
	DryRun       bool
	Verbose      bool
	JSON         bool
	Insecure     bool // plain HTTP to another machine
	OIDC         bool // exchange the identity token of the CI system
	Audience     string
	Timeout      time.Duration // of everything that is sent
}

// Surroundings are what a report reads and writes besides its files.
type Surroundings struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is one
	Now            func() time.Time
	Transport      http.RoundTripper                          // nil: the usual one
	Sleep          func(context.Context, time.Duration) error // nil: by the clock
	Attempt        time.Duration                              // bounds each attempt at a call; 0: a minute
}

// job is one report on its way.
type job struct {
	Options
	Surroundings
	at            place
	shard, shards int
	out           *output
	progress      *progress
	began         time.Time
}

// fault is why a report ends, with its code.
type fault struct {
	code Code
	error
}

func (f *fault) Unwrap() error { return f.error }

func wrong(format string, args ...any) error { return &fault{Usage, fmt.Errorf(format, args...)} }

// Run makes a report. It says what became of it on Stdout, and everything else
// on Stderr.
func Run(ctx context.Context, o Options, s Surroundings) Code {
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Attempt = cmp.Or(s.Attempt, oneAttempt)
	j := &job{Options: o, Surroundings: s, at: where(s.Getenv), shard: 1, shards: 1, began: s.Now()}
	j.out = &output{job: j, stdout: s.Stdout, stderr: s.Stderr}
	j.progress = newProgress(j)
	done := &outcome{}
	err := j.report(ctx, done)
	j.progress.end()
	var f *fault
	switch {
	case errors.As(err, &f):
		done.code = f.code
	case err != nil:
		done.code = Unreachable
	}
	j.out.result(done, err)
	return done.code
}

// report makes the report; what came of it is in done.
func (j *job) report(ctx context.Context, done *outcome) error {
	if err := j.check(); err != nil {
		return err
	}
	list, none, err := sources(j.Results)
	if err != nil {
		return &fault{BadResults, err}
	}
	if len(none) > 0 && j.OnEmpty == "error" {
		return &fault{BadResults, fmt.Errorf("there is no file of results at %s; --on-empty=warn goes on without", names(none))}
	}
	for _, name := range none {
		j.out.warn("there is no file of results at %s", plain(name, mostOfName))
	}
	r, err := j.read(list)
	if r != nil {
		defer r.spool.close()
	}
	if err != nil {
		return &fault{BadResults, err}
	}
	done.reading = r
	for _, w := range r.warnings {
		j.out.warn("%s", w)
	}
	if r.empty() {
		if j.OnEmpty == "error" {
			return &fault{BadResults, errors.New("there are no results; --on-empty=ignore is for where that may be")}
		}
		if j.OnEmpty == "warn" {
			j.out.warn("there are no results; nothing is reported")
		}
		done.state = "empty"
		return nil
	}
	if j.DryRun {
		done.state = "dry_run"
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	return j.deliver(ctx, done)
}

// check refuses options that don't go together, before anything is read.
func (j *job) check() error {
	j.Format, j.OnEmpty, j.SkippedAs = cmp.Or(j.Format, "auto"), cmp.Or(j.OnEmpty, "error"), cmp.Or(j.SkippedAs, "skipped")
	j.Timeout = cmp.Or(j.Timeout, 10*time.Minute)
	switch {
	case len(j.Results) == 0:
		return wrong("name the files of results: --results-file test-results/junit.xml")
	case j.Format != "auto" && !slices.Contains(testresult.Formats(), j.Format):
		return wrong("--format is none of auto, %s", strings.Join(testresult.Formats(), ", "))
	case !slices.Contains([]string{"error", "warn", "ignore"}, j.OnEmpty):
		return wrong("--on-empty takes error, warn or ignore")
	case !slices.Contains([]string{"skipped", "blocked", "ignore"}, j.SkippedAs):
		return wrong("--report-skipped-as takes skipped, blocked or ignore")
	case j.Timeout < 0:
		return wrong("--timeout takes a time such as 10m")
	}
	for _, when := range j.FailOn {
		if !slices.Contains([]string{"failed", "flaky", "new-failures", "never"}, when) {
			return wrong("--fail-on takes failed, flaky, new-failures or never")
		}
	}
	for _, field := range [][2]string{{"run-key", j.Key}, {"name", j.Name}, {"commit", j.Commit}, {"branch", j.Branch}, {"build-id", j.Build}} {
		if len([]rune(field[1])) > mostOfKey || plain(field[1], mostOfKey) != field[1] {
			return wrong("--%s takes up to %d characters on one line", field[0], mostOfKey)
		}
	}
	if err := j.checkShard(); err != nil {
		return err
	}
	if j.DryRun {
		return nil
	}
	return cmp.Or(j.checkIDs(), j.checkURL(), j.checkToken())
}

// checkShard reads which part of the run this is.
func (j *job) checkShard() error {
	if j.Shard == "" {
		return nil
	}
	const most = 1000
	part, whole, _ := strings.Cut(j.Shard, "/")
	var err, err2 error
	j.shard, err = strconv.Atoi(part)
	j.shards, err2 = strconv.Atoi(whole)
	if err != nil || err2 != nil || j.shard < 1 || j.shards > most || j.shard > j.shards {
		return wrong("--shard is written 1/4: the first of four parts, of at most %d", most)
	}
	if j.Key == "" && j.at.Pipeline == "" {
		return wrong("--shard needs --run-key here: nothing says which parts belong together")
	}
	return nil
}

// checkIDs refuses ids that can't be any, before they stand in a path.
func (j *job) checkIDs() error {
	switch {
	case !name(j.Organization):
		return wrong("--org-id takes the number or the id of an organization, such as 1173")
	case !name(j.Project):
		return wrong("--project-id takes the id of a project, such as PRJ-1")
	case !name(j.Cycle):
		return wrong("--cycle-id takes the id of a test cycle, such as TCYCLE-5")
	case j.OIDC && j.Organization == "" && !everywhere.MatchString(j.Project):
		return wrong("--oidc takes --project-id as a UUID or pr-…, or --org-id beside it: others who share the server may have a project %s that trusts this job", first(j.Project, "PRJ-1"))
	}
	return nil
}

// everywhere are ids of projects that no other organization has: anybody may
// have a PRJ-1 that lets the jobs of anybody's repository in.
var everywhere = regexp.MustCompile(`^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|pr-[1-9][0-9]*)$`)

// name reports whether a text has only what ids are made of, or nothing.
func name(text string) bool {
	const most = 64
	return len(text) <= most && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// checkURL refuses addresses over which a token doesn't belong.
func (j *job) checkURL() error {
	if j.URL == "" {
		return nil
	}
	u, err := url.Parse(j.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return wrong("--url takes the address of a server, such as https://gatehouse.example.com")
	}
	if u.User != nil {
		return wrong("--url takes no name and no password; the token goes into GATEHOUSE_TOKEN")
	}
	if u.Scheme == "http" && !j.Insecure && !loopback(u.Hostname()) {
		return wrong("--url begins with http://, so that anybody on the way could read the token; use https://, or --insecure where nobody can")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func (j *job) checkToken() error {
	switch {
	case j.OIDC && j.Token != "":
		return wrong("--oidc stands for a token; give one of them")
	case !j.OIDC && j.Token == "":
		return wrong("there is no token: put it into the environment as GATEHOUSE_TOKEN, or name --token-file; see gatehouse report --help")
	case strings.ContainsFunc(j.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return wrong("the token has blanks or line ends in it; check how it got into the environment")
	}
	return nil
}

// names tells of several names.
func names(list []string) string {
	const most = 5
	var said []string
	for _, n := range list[:min(len(list), most)] {
		said = append(said, plain(n, mostOfName))
	}
	if len(list) > most {
		said = append(said, fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(said, ", ")
}
