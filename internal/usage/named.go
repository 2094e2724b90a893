package usage

import (
	"time"

	"github.com/google/uuid"
)

// Day is a day in UTC, as the number of days since the first of January 1970.
type Day int64

// DayOf returns the day of a time.
func DayOf(at time.Time) Day {
	seconds := at.Unix()
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	return Day(day)
}

// Time returns the instant at which a day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String writes a day as RFC 3339 does.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// Other is the resource under which those are counted for which there is no
// room.
const Other = "other"

// MostNamed bounds how many resources the callers of verifications name for a
// credential on a day.
const MostNamed = 500

// mostNamed bounds them for all credentials together, as they are remembered.
const mostNamed = 1 << 18

// named remembers which resources were named on the latest day.
type named struct {
	day Day
	of  map[uuid.UUID]map[string]struct{}
	all int
}

// admit reports whether a resource counts by itself: one that was named before,
// or that there is room for.
func (n *named) admit(r *Request) bool {
	if r.Day > n.day || n.of == nil {
		*n = named{day: r.Day, of: map[uuid.UUID]map[string]struct{}{}}
	}
	known := n.of[r.Credential]
	if _, ok := known[r.Resource]; ok || r.Resource == "" || r.Resource == Other {
		return true
	}
	if len(known) >= MostNamed || n.all >= mostNamed {
		return false
	}
	if known == nil {
		known = map[string]struct{}{}
		n.of[r.Credential] = known
	}
	known[r.Resource] = struct{}{}
	n.all++
	return true
}
