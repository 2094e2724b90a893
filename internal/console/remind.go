package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// A lifetime is one of the periods that there are to choose from.
type lifetime struct {
	days, lead int    // lead: how many days before its end a successor is due
	advice     string // when to choose it
}

// lifetimes are the periods of tokens that must end, with what they are good for.
var lifetimes = []lifetime{
	{7, 2, "For a demo, or a script that runs once: access for one short task."},
	{30, 5, "For the length of a sprint, or to try a CI integration before you settle on it."},
	{60, 7, "For work of some months whose end is known, such as tests of a season."},
	{90, 10, "The usual choice for a production pipeline: a new token every quarter."},
	{180, 15, "For an established integration that gets a new token twice a year, by plan."},
	{365, 15, "Only where a new token more often isn't practical. Make one every year all the same."},
}

const day24 = 24 * time.Hour

// rotateFrom is from when on a successor of a token is due, whose scheme has
// periods to choose from; zero for any other.
func rotateFrom(c *credential.Credential) time.Time {
	if len(c.Scheme.LifetimeDays) == 0 || c.ExpiresAt.IsZero() {
		return time.Time{}
	}
	lived := c.ExpiresAt.Sub(c.CreatedAt)
	for _, l := range lifetimes {
		if lived <= time.Duration(l.days)*day24+time.Minute {
			return c.ExpiresAt.AddDate(0, 0, -l.lead)
		}
	}
	return c.ExpiresAt.AddDate(0, 0, -lifetimes[len(lifetimes)-1].lead)
}

// remind says of a token when its successor is due, and that it is.
func (r *row) remind(now, due, ends time.Time) {
	if now.Before(due) {
		r.Rotate = day(due)
		r.Chip, r.Note = chip{"ok", "dot", "Active"}, "Until "+day(ends)
		return
	}
	r.Chip, r.Note = chip{"warn", "clock", "Rotate by " + day(ends)}, titled(within(now, ends))
}

// successor is the name of the token that takes the place of another: with the
// next version behind it.
func successor(name string) string {
	at := strings.LastIndex(name, " v")
	if at > 0 {
		if n, err := strconv.Atoi(name[at+2:]); err == nil && n > 0 && n < 1_000_000 {
			return name[:at] + " v" + strconv.Itoa(n+1)
		}
	}
	if runes := []rune(name); len(runes) > 97 {
		name = string(runes[:97])
	}
	return name + " v2"
}
