package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// How calls are tried again.
const (
	mostRepeats = 10
	longestWait = 30 * time.Second // where the server doesn't say
	oneAttempt  = time.Minute
)

// outcome is what became of a report.
type outcome struct {
	code                  Code
	state                 string // uploaded, dry_run, empty
	reading               *reading
	url                   string // of the server
	project, organization string
	run                   *api.Run
	batches               int // that are stored
	files                 int // attachments that are stored
	changes               *api.RunChanges
	unmatched             []string // the first
	hits                  []string // what made it fail although it is stored
}

// sending is a report that is read, on its way to a run.
type sending struct {
	*job
	*outcome
	client  *client.Client
	expires time.Time // the token, if it was traded
	base    string    // path of the project
	path    string    // of the run
	name    string    // of the upload
}

// deliver sends what was read, and asks what it changed.
func (j *job) deliver(ctx context.Context, done *outcome) error {
	s := &sending{job: j, outcome: done}
	if err := s.connect(ctx); err != nil {
		return s.because(err)
	}
	if err := s.begin(ctx); err != nil {
		return s.because(err)
	}
	if err := s.send(ctx); err != nil {
		return s.because(err)
	}
	if err := s.attach(ctx); err != nil {
		return s.because(err)
	}
	done.state = "uploaded"
	if err := s.ask(ctx); err != nil {
		return err
	}
	return s.judge()
}

// connect finds the server, the organization and the project.
func (s *sending) connect(ctx context.Context) error {
	s.url = strings.TrimRight(first(s.URL, DefaultURL), "/")
	if s.URL == "" {
		if err := s.knock(ctx); err != nil {
			return wrong("there is no --url and no GATEHOUSE_URL, and nothing answers at %s, where a server listens that nobody configured", DefaultURL)
		}
	}
	if s.OIDC {
		if err := s.exchange(ctx); err != nil {
			return err
		}
	}
	s.client = s.newClient()
	if s.Organization == "" || s.Project == "" {
		if err := s.whose(ctx); err != nil {
			return err
		}
	}
	s.organization, s.project = s.Organization, s.Project
	s.base = "/v1/organizations/" + url.PathEscape(s.Organization) + "/projects/" + url.PathEscape(s.Project)
	return nil
}

// newClient presents the token, and is patient.
func (s *sending) newClient() *client.Client {
	return client.NewWithOptions(s.url, s.Token, client.Options{
		Transport: s.transport(), Retries: mostRepeats, Timeout: -1, Attempt: s.Attempt, LongestWait: longestWait, Patience: s.Timeout,
		Now: s.Now, Sleep: s.Sleep, Waiting: s.waits,
	})
}

// knock asks whether anybody is there.
func (s *sending) knock(ctx context.Context) error {
	const soon = 5 * time.Second
	c := client.NewWithOptions(s.url, "", client.Options{Transport: s.transport(), Retries: 1, Timeout: soon})
	return c.Do(ctx, client.Request{Method: http.MethodGet, Path: "/healthz"})
}

// whose finds the organization of the credential, and its project where that
// is the only one.
func (s *sending) whose(ctx context.Context) error {
	self, err := s.client.Self().Get(ctx)
	if err != nil {
		return err
	}
	s.Organization = first(s.Organization, self.Organization)
	if s.Organization == "" {
		return wrong("the token is of no organization; name one with --org-id")
	}
	if s.Project == "" && self.Subject.Type == "project" {
		s.Project = self.Subject.ID
	}
	if s.Project != "" {
		return nil
	}
	var known []string
	for p, err := range s.client.Projects(s.Organization).All(ctx) {
		if err != nil {
			return err
		}
		if p.State == "active" {
			known = append(known, p.TestKaseID)
		}
	}
	if len(known) != 1 {
		return wrong("name the project with --project-id; the token reaches %s", first(names(known), "none"))
	}
	s.Project = known[0]
	return nil
}

// begin makes the run, or finds it, and says what the upload will hold.
func (s *sending) begin(ctx context.Context) error {
	var run api.Run
	r := s.reading
	err := s.client.Do(ctx, client.Request{Method: http.MethodPost, Path: s.base + "/runs", In: s.startRun(r), Out: &run, IdempotencyKey: client.NewIdempotencyKey()})
	if err != nil {
		return err
	}
	s.run = &run
	s.path = s.base + "/runs/" + url.PathEscape(run.ID)
	s.name = s.job.upload(r.digest)
	return nil
}

// runs are the calls about runs, with the present token.
func (s *sending) runs() client.Runs { return s.client.Runs(s.Organization, s.Project) }

// send sends the batches that the server doesn't have.
func (s *sending) send(ctx context.Context) error {
	r := s.reading
	declared := api.DeclareUpload{Digest: r.digest, Batches: len(r.spool.batches), SuiteErrors: r.counts.SuiteErrors, Files: r.files}
	var u api.Upload
	for {
		err := s.renew(ctx)
		if err != nil {
			return err
		}
		if u, err = s.runs().Declare(ctx, s.run.ID, s.name, declared); err != nil {
			return err
		}
		if u.Complete {
			s.batches = u.Batches
			return nil
		}
		s.batches = max(s.batches, u.Batches-len(u.Missing))
		s.progress.begin(u.Batches, s.batches)
		if len(u.Missing) == 0 {
			return errors.New("the server misses no batch, and still calls the upload incomplete")
		}
		for _, n := range u.Missing {
			if n < 1 || n > len(r.spool.batches) {
				return errors.New("the server misses a batch that there isn't")
			}
			if err := s.sendBatch(ctx, n); err != nil {
				return err
			}
		}
	}
}

func (s *sending) sendBatch(ctx context.Context, n int) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	p := s.reading.spool.batches[n-1]
	var stored api.StoredBatch
	err := s.client.Do(ctx, client.Request{
		Method: http.MethodPut, Path: s.path + "/uploads/" + s.name + "/batches/" + strconv.Itoa(n), Out: &stored, Length: p.length, Type: "application/json", Encoding: "gzip",
		Body: func() (io.ReadCloser, error) { return s.reading.spool.open(n) },
	})
	if err != nil {
		return err
	}
	s.batches = min(s.batches+1, len(s.reading.spool.batches))
	s.run = &stored.Run
	s.progress.step(p.results)
	return nil
}

// ask asks how the run stands, and what it changed. The results are stored by
// then: what can't be found out is said, and no more.
func (s *sending) ask(ctx context.Context) error {
	run, err := api.Run{}, s.renew(ctx)
	if err == nil {
		run, err = s.runs().Get(ctx, s.run.ID)
	}
	if err != nil {
		s.out.warn("the results are stored; how the run stands can't be found out: %v", s.plainly(err))
	} else {
		s.run = &run
	}
	changes, err := s.runs().Changes(ctx, s.run.ID)
	if err != nil {
		if s.fails("new-failures") {
			return s.because(&during{"whether there are new failures can't be found out", err})
		}
		s.out.warn("the results are stored; what changed can't be found out: %v", s.plainly(err))
	} else {
		s.changes = &changes
	}
	if s.run.Matched >= s.run.Counts.Total {
		return nil
	}
	var list api.List[api.RunResult]
	if err := s.client.Do(ctx, client.Request{Method: http.MethodGet, Path: s.path + "/results?matched=false&limit=" + strconv.Itoa(mostListed), Out: &list}); err != nil {
		s.out.warn("which results match no test case can't be found out: %v", s.plainly(err))
		return nil
	}
	for _, r := range list.Items {
		s.unmatched = append(s.unmatched, plain(full(r.Class, r.Name), mostOfName))
	}
	return nil
}

// fails reports whether something makes the report fail.
func (j *job) fails(what string) bool {
	for _, when := range j.FailOn {
		if when == what {
			return true
		}
	}
	return false
}

// judge says whether what is stored makes the report fail.
func (s *sending) judge() error {
	if s.fails("failed") && s.reading.fail() {
		s.hits = append(s.hits, "tests failed")
	}
	if s.fails("flaky") && s.reading.counts.Flaky > 0 {
		s.hits = append(s.hits, "tests are flaky")
	}
	if s.fails("new-failures") && s.changes != nil && len(s.changes.NewlyFailing) > 0 {
		s.hits = append(s.hits, "tests fail that didn't before")
	}
	if s.Strict && s.run.Matched < s.run.Counts.Total {
		s.hits = append(s.hits, "results match no test case")
	}
	if len(s.hits) > 0 {
		s.code = Hit
	}
	return nil
}

// during is an error of something that is said besides.
type during struct {
	what string
	error
}

func (d *during) Unwrap() error { return d.error }

// because gives an error its code.
func (s *sending) because(err error) error {
	var f *fault
	if err == nil || errors.As(err, &f) {
		return err
	}
	text := s.plainly(err)
	total := 0
	if s.reading != nil {
		total = len(s.reading.spool.batches)
	}
	if s.run != nil && s.batches > 0 {
		what := fmt.Sprintf("%d of %d batches of results are stored", s.batches, total)
		if s.batches == total {
			what = "all results are stored, but not everything else"
		}
		if code := codeOf(err); code != Rejected {
			again := "The same command again completes it"
			if s.tradesOnce() {
				again = "The job run again completes it, by an identity token of its own"
			}
			what += ". " + again
		}
		return &fault{Partly, fmt.Errorf("%s; %s", text, what)}
	}
	return &fault{codeOf(err), text}
}

// codeOf is the code of an error while nothing is stored.
func codeOf(err error) Code {
	status := 0
	var problem *api.Problem
	var unexpected *client.Unexpected
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		status = refused.Status
	case errors.As(err, &problem):
		status = problem.Status
	case errors.As(err, &unexpected):
		status = unexpected.Status
	}
	switch {
	case problem != nil && (problem.Code == "budget_exceeded" || problem.Code == "budget_exhausted"):
		return OverBudget
	case status == http.StatusTooManyRequests:
		return Limited
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return Unreachable
	case status >= 300 && status <= 499:
		return Rejected
	}
	return Unreachable
}

// plainly says an error in words: what the server says, and what to do where
// that isn't plain.
func (s *sending) plainly(err error) error {
	var problem *api.Problem
	var unexpected *client.Unexpected
	var dns *net.DNSError
	var of *during
	switch {
	case errors.As(err, &of):
		return fmt.Errorf("%s: %w", of.what, s.plainly(of.error))
	case errors.As(err, &problem):
		text := first(problem.Detail, problem.Title, problem.Code)
		if problem.RequestID != "" && problem.Status >= http.StatusInternalServerError {
			text += " (request " + problem.RequestID + ")"
		}
		return fmt.Errorf("the server answers %d: %s", problem.Status, plain(text, mostOfDetail))
	case errors.As(err, &unexpected) && unexpected.Status >= 300 && unexpected.Status <= 399:
		return fmt.Errorf("the address leads elsewhere (%s); --url takes the one that the server itself has", plain(unexpected.Text, mostOfName))
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("there is no host %s; see --url", plain(dns.Name, mostOfName))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("there was no more time (--timeout, or a minute for one call): %s", plain(err.Error(), mostOfDetail))
	}
	return errors.New(plain(err.Error(), mostOfDetail))
}

// mostOfDetail bounds what is told of an error, in characters.
const mostOfDetail = 1000

// waits tells why nothing goes on for a while.
func (s *sending) waits(why error, wait time.Duration) {
	s.out.note("%v; trying again in %s", s.plainly(why), max(wait.Round(100*time.Millisecond), 100*time.Millisecond))
}

// full is the name of a test with what it stands in.
func full(class, name string) string {
	if class == "" {
		return name
	}
	return class + " › " + name
}

// transport makes the connections, and tells of calls where that is asked for.
func (j *job) transport() http.RoundTripper {
	if j.Verbose {
		return &telling{j}
	}
	return j.Transport
}

// telling tells of each call: never what it carries.
type telling struct{ j *job }

// RoundTrip implements http.RoundTripper.
func (t *telling) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.j.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	begin := t.j.Now()
	resp, err := next.RoundTrip(r)
	said := "no answer"
	if err == nil {
		said = strconv.Itoa(resp.StatusCode)
	}
	t.j.out.note("%s %s: %s after %s", r.Method, plain(r.URL.Path, mostOfName), said, t.j.Now().Sub(begin).Round(time.Millisecond))
	return resp, err
}
