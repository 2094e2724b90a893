package limit

import (
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// Script is the Lua program by which Redis does what a Memory does.
//
//go:embed take.lua
var Script string

const (
	// micro is how many nanoseconds the script's unit of time has.
	micro = int64(time.Microsecond)
	// lastShared is the last second (in 2255) whose microseconds, and two
	// windows more, a double of the script holds exactly.
	lastShared = 9_000_000_000
)

// Call is one Take in the form that Script takes it. Windows count in whole
// microseconds there: one that isn't whole is rounded up, which lets no more
// through.
type Call struct {
	takes      []Take
	never      *verdict // of a rate that isn't valid
	Keys, Args []string
}

// NewCall prepares a Take. Where that is at a time of the caller's, and not of
// the server that runs the script, now says so; else it is zero.
func NewCall(now time.Time, takes []Take) *Call {
	c := &Call{takes: make([]Take, len(takes)), Keys: make([]string, len(takes)), Args: make([]string, 1, 1+5*len(takes))}
	if !now.IsZero() {
		c.Args[0] = text(microseconds(now))
	}
	for i, t := range takes {
		if !t.Rate.Valid() {
			v := t.Rate.never().of(i)
			c.never = &v
			return c
		}
		t.Rate.Window = (t.Rate.Window + time.Microsecond - 1).Truncate(time.Microsecond)
		w, l := int64(t.Rate.Window)/micro, int64(t.Rate.Limit)
		c.takes[i] = t
		c.Keys[i] = t.Key.shared(w)
		c.Args = append(c.Args, text(w), text(l), text(w/l), text(w%l), text(t.Rate.longest()/micro))
	}
	return c
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

// microseconds turns a time into what the script calculates with.
func microseconds(t time.Time) int64 {
	return min(max(t.Unix(), 0), lastShared)*1_000_000 + int64(t.Nanosecond())/micro
}

// shared is the key of a limit in Redis: numbers alone. What stands in braces
// is what a cluster places a key by, so that it keeps all limits in one place,
// where one script reaches them.
func (k Key) shared(window int64) string {
	b := append(make([]byte, 0, 80), "gatehouse:{limit}:"...)
	b = append(hex.AppendEncode(b, binary.BigEndian.AppendUint64(make([]byte, 0, 8), k.name)), ':')
	b = append(hex.AppendEncode(b, k.id[:]), ':')
	return string(strconv.AppendInt(b, window, 10))
}

// Known returns the outcome of a call that needs no script to be run.
func (c *Call) Known(now time.Time) (Outcome, bool) {
	switch {
	case c.never != nil:
		return c.never.outcome(now), true
	case len(c.takes) == 0:
		return verdict{allowed: true, index: -1}.outcome(now), true
	}
	return Outcome{}, false
}

// errAnswer is an answer that the script never gives.
var errAnswer = errors.New("redis answers something else than the script would")

// Outcome reads the answer of the script. Times in it are told from now, which
// is the caller's: how its clock and the server's differ doesn't matter.
func (c *Call) Outcome(now time.Time, answer []int64) (Outcome, error) {
	if len(answer) != 2+2*len(c.takes) {
		return Outcome{}, errAnswer
	}
	then := answer[1] * micro
	all := verdict{allowed: true, index: -1}
	for i, t := range c.takes {
		us, parts, l := answer[2+2*i], answer[3+2*i], int64(t.Rate.Limit)
		if us < answer[1] || us > answer[1]+3*int64(t.Rate.Window)/micro || parts < 0 || parts >= l {
			return Outcome{}, errAnswer
		}
		before := arrival{ns: us*micro + parts*micro/l, parts: uint32(parts * micro % l), limit: uint32(l)}
		v := t.Rate.decide(before, t.Rate.next(before), then).of(i)
		if i == 0 || v.outweighs(all) {
			all = v
		}
	}
	if all.allowed != (answer[0] == 1) {
		return Outcome{}, errAnswer
	}
	return all.outcome(now), nil
}
