package workspace

import "github.com/gatehouse-dev/gatehouse/internal/store"

// attempts is the last attempt of a test in a run: its results, one for each of
// its test cases.
type attempts struct {
	number int
	stored []store.TestResult // in the database
	from   int                // of those that are taken in now, the first…
	rows   int                // …and how many
}

// attemptsOf has the last attempt of those that are stored. Some are without a
// number; they stand for themselves.
func attemptsOf(rows []store.TestResult) *attempts {
	last := &attempts{}
	for _, r := range rows {
		if r.Attempt > last.number {
			last.number, last.stored = r.Attempt, nil
		}
		if r.Attempt == last.number && r.Attempt > 0 {
			last.stored = append(last.stored, r)
		}
	}
	return last
}

// each calls fn for every result of the attempt.
func (l *attempts) each(a *adding, fn func(r *store.TestResult, stored bool)) {
	for i := range l.stored {
		fn(&l.stored[i], true)
	}
	for i := range l.rows {
		fn(&a.results[l.from+i], false)
	}
}

// try places a result, which gets so many rows, among the attempts of its test
// in the run. Only the last attempt is counted, whichever comes last. It returns
// what the result tells of the test: a pass behind a failure is flaky, and so is
// a failure that comes behind the pass that followed it.
func (a *adding) try(r *store.TestResult, rows int) (judged store.TestResult) {
	if r.Attempt < 1 {
		return *r
	}
	now := &attempts{number: r.Attempt, from: len(a.results), rows: rows}
	last := a.last[r.Test]
	switch {
	case last == nil || last.number == 0:
		a.last[r.Test] = now
	case r.Attempt == last.number: // two tests of one name
		a.last[r.Test] = now
	case r.Attempt > last.number:
		last.each(a, func(before *store.TestResult, stored bool) {
			a.run.Count(before, -1)
			before.Retried = true
			r.Flaky = r.Flaky || r.Status == "pass" && before.Status == "fail"
			if stored {
				a.retried = append(a.retried, before.Position)
			}
		})
		a.last[r.Test] = now
	default:
		r.Retried = true
		judged = *r
		last.each(a, func(after *store.TestResult, stored bool) {
			if r.Status != "fail" || after.Status != "pass" {
				return
			}
			judged.Flaky = true
			if after.Flaky {
				return
			}
			if after.Flaky = true; !after.Retried {
				a.run.Flaky++
			}
			if stored {
				a.flaky = append(a.flaky, after.Position)
			}
		})
		return judged
	}
	return *r
}
