package workspace

import (
	"bytes"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// A test is flaky that has passed and failed on one commit within flakyFor, or
// of which a result says so, until it has passed healedBy times in a row.
const (
	flakyFor = 14 * 24 * time.Hour
	healedBy = 5
)

// told is one more result of a test.
type told struct {
	*store.TestResult
	run    *store.TestRun
	at     time.Time
	before string // how the test went the last time that the commit was tested
}

// learn is what a result tells of its test. Whatever the order in which results
// of one commit come, the first of the other outcome shows that it is flaky.
func learn(k *store.KnownTest, t told) {
	k.Results++
	k.LastSeen = t.at
	if newer := bytes.Compare(t.run.ID[:], k.LastRun[:]); newer > 0 || newer == 0 && t.Attempt >= k.LastAttempt {
		k.Status, k.Error, k.Duration, k.LastRun, k.LastAttempt = t.Status, t.Error, t.Duration, t.run.ID, t.Attempt
	}
	if t.Status != "pass" && t.Status != "fail" {
		return
	}
	if t.run.Commit != "" && k.LastCommit == t.run.Commit {
		t.before = lastOutcome(k, t.at)
	}
	switch {
	case t.Flaky, t.run.Commit != "" && t.before != "" && t.before != t.Status:
		k.CleanPasses = 0
		if k.FlakySince.IsZero() {
			k.FlakySince = t.at
		}
	case t.Status == "fail":
		k.CleanPasses = 0
	default:
		if k.CleanPasses++; k.CleanPasses >= healedBy {
			k.FlakySince = time.Time{}
		}
	}
	k.LastCommit, k.LastOutcome = t.run.Commit, t.Status
	if t.Status == "pass" {
		k.PassedAt = t.at
	} else {
		k.FailedAt = t.at
	}
}

// lastOutcome is the outcome that was stored last, if that still counts.
func lastOutcome(k *store.KnownTest, now time.Time) string {
	at := k.PassedAt
	if k.LastOutcome == "fail" {
		at = k.FailedAt
	}
	if at.Before(now.Add(-flakyFor)) {
		return ""
	}
	return k.LastOutcome
}

// mayFlip reports whether a result can show that a test is flaky, for all that
// is known of it without looking for the commit: only where it has had the other
// outcome within the time.
func mayFlip(k *store.KnownTest, t told) bool {
	other := k.PassedAt
	if t.Status == "pass" {
		other = k.FailedAt
	}
	return (t.Status == "pass" || t.Status == "fail") && t.run.Commit != "" && k.LastCommit != t.run.Commit && !other.Before(t.at.Add(-flakyFor))
}
