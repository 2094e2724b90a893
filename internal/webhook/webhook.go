// Package webhook is what a webhook is: which events there are and which change
// each of them tells of, what a message says, how it is signed, where it may be
// sent, and when it is tried again. It is pure.
//
// Its invariants:
//
//   - Which events there are stands in one table, and each comes from an audit
//     event: nothing is told that isn't recorded too.
//   - A message holds what the audit event says and no more, at most [MaxPayload]
//     bytes, and never anything secret. In the format of a dialect it holds what
//     that documents, which may be a name or an address.
//   - Where a message may be sent is asked twice: of the URL when it is given,
//     and of the address when it is dialled.
package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// MaxPayload bounds a message in bytes.
const MaxPayload = 20_000

// Test is the event that is sent to try an endpoint.
const Test = "test"

// bunship is the group of the schemes whose keys have events of their own.
const bunship = "bunship"

// event says which audit event becomes which event.
type event struct {
	name   string
	action string // of the audit event; empty for what no change makes
	group  string // only for credentials of a scheme of this group
}

// events is the table of all events. Where one audit event has several names,
// the narrower stands first.
var events = [...]event{
	{"member.added", "member.add", ""},
	{"member.removed", "member.remove", ""},
	{"member.role_changed", "member.set_role", ""},
	{"invitation.created", "invitation.create", ""},
	{"invitation.accepted", "invitation.accept", ""},
	{"invitation.withdrawn", "invitation.withdraw", ""},
	{"project.created", "project.create", ""},
	{"project.archived", "project.archive", ""},
	{"project.restored", "project.restore", ""},
	{"project.deleted", "project.delete", ""},
	{"issue.created", "issue.create", ""},
	{"issue.resolved", "issue.resolve", ""},
	{"issue.updated", "issue.update", ""},
	{"issue.updated", "issue.resolve", ""},
	{"comment.created", "comment.create", ""},
	{"api_key.created", "credential.issue", bunship},
	{"api_key.revoked", "credential.revoke", bunship},
	{"credential.created", "credential.issue", ""},
	{"credential.imported", "credential.import", ""},
	{"credential.reissued", "credential.reissue", ""},
	{"credential.updated", "credential.update", ""},
	{"credential.rotated", "credential.rotate", ""},
	{"credential.suspended", "credential.suspend", ""},
	{"credential.suspended", "credential.suspend_unused", ""},
	{"credential.resumed", "credential.resume", ""},
	{"credential.revoked", "credential.revoke", ""},
	{"credential.exposed", "credential.exposed", ""},
	{"test_case.created", "test_case.create", ""},
	{"test_case.updated", "test_case.update", ""},
	{"test_case.deleted", "test_case.delete", ""},
	{"test_cycle.created", "test_cycle.create", ""},
	{"test_cycle.updated", "test_cycle.update", ""},
	{"test_cycle.updated", "test_cycle.add", ""},
	{"test_cycle.updated", "test_cycle.remove", ""},
	{"test_cycle.deleted", "test_cycle.delete", ""},
	{"test_result.changed", "test_result.set", ""},
	{"test_run.reported", "test_result.report", ""},
	{"campaign.created", "campaign.create", ""},
	{"campaign.updated", "campaign.update", ""},
	{"campaign.stage_changed", "campaign.stage", ""},
	{"tester.added", "tester.add", ""},
	{"tester.accepted", "tester.accept", ""},
	{"tester.completed", "tester.complete", ""},
	{"tester.removed", "tester.remove", ""},
	{"campaign_issue.created", "campaign_issue.create", ""},
	{"campaign_issue.updated", "campaign_issue.update", ""},
	{"campaign_issue.deleted", "campaign_issue.delete", ""},
	{"budget.alert", "budget.alert", ""},
	{"budget.updated", "budget.set", ""},
	{"budget.updated", "budget.remove", ""},
	{"budget.updated", "budget.top_up", ""},
	{"billing.updated", "", ""}, // which BunShip has, and nothing here makes
	{"billing.canceled", "", ""},
	{Test, "", ""},
}

// Format is in whose words an endpoint is told of events.
type Format string

// The formats that there are.
const (
	Standard    Format = "standard"
	BetaTesting Format = "betatesting"
)

// betaEvents are those of BetaTesting, of which it documents some that nothing
// here makes.
var betaEvents = [...]event{
	{"test.status.changed", "campaign.stage", ""},
	{"issue.submitted", "campaign_issue.create", ""},
	{"issue.updated", "campaign_issue.update", ""},
	{"issue.message.new", "", ""},
	{"tester.status.changed", "tester.accept", ""},
	{"tester.status.changed", "tester.complete", ""},
	{"tester.status.changed", "tester.remove", ""},
	{"tester.payment.processed", "", ""},
}

// events is the table of the format.
func (f Format) events() []event {
	if f == BetaTesting {
		return betaEvents[:]
	}
	return events[:]
}

// Names returns the names of all events.
func (f Format) Names() []string {
	var names []string
	for _, e := range f.events() {
		if !slices.Contains(names, e.name) { // several actions may be one event
			names = append(names, e.name)
		}
	}
	return names
}

// CheckEvents refuses names that no event has. The list comes back sorted and
// without repeats; an empty one stands for all events.
func (f Format) CheckEvents(field string, names []string) ([]string, error) {
	known := f.Names()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, credential.InvalidField(field, "there is no such event; choose of: %s; none are all", strings.Join(known, ", "))
		}
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Tells reports whether any event comes from an action.
func Tells(action string) bool {
	is := func(e event) bool { return action != "" && e.action == action }
	return slices.ContainsFunc(events[:], is) || slices.ContainsFunc(betaEvents[:], is)
}

// Chosen returns the events that an audit event is to an endpoint which chose
// some: those of them, or of all the narrowest alone. The scheme is that of the
// credential which it is about, or nil.
func (f Format) Chosen(action string, scheme *credential.Scheme, chosen []string) (names []string) {
	for _, e := range f.events() {
		fits := e.action == action && (e.group == "" || scheme != nil && scheme.Group() == e.group)
		switch {
		case !fits:
		case len(chosen) == 0:
			return []string{e.name}
		case slices.Contains(chosen, e.name):
			names = append(names, e.name)
		}
	}
	return names
}

// message is the body of a request.
type message struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      data   `json:"data"`
}

// data is what a message tells.
type data struct {
	ID           string          `json:"id"` // of what changed
	Organization uuid.UUID       `json:"organization"`
	Project      string          `json:"project,omitempty"`
	Actor        string          `json:"actor"`
	Subject      string          `json:"subject,omitempty"`
	Sequence     int64           `json:"sequence,omitempty"` // of the audit event
	Scheme       string          `json:"scheme,omitempty"`
	Detail       json.RawMessage `json:"detail,omitempty"`
}

// Payload writes the message of an event that an audit event became. A detail
// that makes it too long is left out: it stands in the audit.
func Payload(name string, e *audit.Event, scheme *credential.Scheme) ([]byte, error) {
	_, id, _ := strings.Cut(e.Target, ":")
	d := data{ID: id, Organization: e.Chain, Actor: e.Actor, Subject: e.Subject, Sequence: e.Sequence}
	if e.Project != uuid.Nil {
		d.Project = e.Project.String()
	}
	if scheme != nil {
		d.Scheme = scheme.Name
	}
	if e.Detail != "" && e.Detail != "{}" {
		d.Detail = json.RawMessage(e.Detail)
	}
	m := message{name, e.At.UTC().Format("2006-01-02T15:04:05.000Z"), d}
	text, err := json.Marshal(m)
	if err == nil && len(text) > MaxPayload {
		m.Data.Detail = nil
		text, err = json.Marshal(m)
	}
	return text, err
}

// AboutTest is what BetaTesting tells of a test, and of an issue or a tester of it.
type AboutTest struct {
	TestID      int64  `json:"testId,omitempty"`
	TestName    string `json:"testName,omitempty"`
	IssueID     int64  `json:"issueId,omitempty"`
	TesterID    int64  `json:"testerId,omitempty"`
	TesterEmail string `json:"testerEmail,omitempty"`
	Status      string `json:"status,omitempty"`
}

// betaMessage is the body of a request in BetaTesting's format.
type betaMessage struct {
	Event     string `json:"event"`
	Timestamp int64  `json:"timestamp"` // Unix seconds
	Data      any    `json:"data"`
}

// Payloads writes what an endpoint is told of an event that an audit event
// became: in BetaTesting's format a message for each of its news.
func (f Format) Payloads(name string, e *audit.Event, scheme *credential.Scheme) (list [][]byte, err error) {
	if f != BetaTesting {
		text, err := Payload(name, e, scheme)
		return [][]byte{text}, err
	}
	news := e.News
	if name == Test {
		news = []any{AboutTest{}}
	}
	for _, n := range news {
		text, err := json.Marshal(betaMessage{name, e.At.Unix(), n})
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}

// Secrets of endpoints.
const (
	secretPrefix = "whsec_"
	secretSize   = 32 // bytes, written as 64 hexadecimal digits
	// Overlap is how long a secret signs beside its successor.
	Overlap = 24 * time.Hour
)

// The schedule of a delivery that fails: how long after a try the next is made.
var pauses = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Bounds of trying.
const (
	// MaxPause is the longest that an endpoint can put a delivery off.
	MaxPause = 24 * time.Hour
	// FailingFor is after how long an endpoint is turned off at which nothing
	// succeeded meanwhile.
	FailingFor = 3 * 24 * time.Hour
)

// Pause is how long a delivery waits after so many tries, without the jitter;
// ok is false after the last.
func Pause(tries int) (d time.Duration, ok bool) {
	if tries < 1 || tries > len(pauses) {
		return 0, false
	}
	return pauses[tries-1], true
}
