package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// sparkDays is how many days a small chart of uses has, and the rest its size.
const (
	sparkDays   = 7
	sparkHeight = 22
	sparkStep   = 11 // a bar and the gap behind it
)

// spark is a small chart of how often a credential was used in each of the last
// days: the outlines of its bars by how they look, so that a template writes few
// values of it.
type spark struct{ Sum, None, Past, Today string }

// sparkOf draws the uses of some days, the last being today.
func sparkOf(days [sparkDays]int64) *spark {
	s, most, sum := &spark{}, int64(1), int64(0)
	for _, n := range days {
		most, sum = max(most, n), sum+n
	}
	for i, n := range days {
		look := &s.Past
		switch {
		case n == 0:
			look = &s.None
		case i == sparkDays-1:
			look = &s.Today
		}
		*look += sparkBar(i*sparkStep, max(2, int(n*sparkHeight/most)))
	}
	s.Sum = grouped(sum)
	return s
}

// sparkBar is the outline of a bar with round corners, which stands on the ground.
func sparkBar(x, height int) string {
	return fmt.Sprintf("M%d %dh6a1 1 0 0 1 1 1v%da1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-%da1 1 0 0 1 1-1z", x+1, sparkHeight-height, height-2, height-2)
}

// sparks draws the charts of all rows of a page, by one query.
func (c *console) sparks(r *edge.Request, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	today := c.authority.Now().UTC().Truncate(24 * time.Hour)
	req := authority.UsageRequest{
		Organization: r.Principal.Organization, From: today.AddDate(0, 0, 1-sparkDays), To: today, Most: authority.MostUsageDays,
		By: []store.Dimension{store.ByCredential, store.ByDay}, Limit: sparkDays * len(rows),
	}
	for i := range rows {
		id, err := uuid.Parse(rows[i].ID)
		if err != nil {
			return err
		}
		req.Credentials = append(req.Credentials, id)
	}
	found, err := c.authority.UsageRows(r.Context(), &r.Principal, req)
	if err != nil {
		return err
	}
	counts := map[string]*[sparkDays]int64{}
	for _, u := range found {
		at, err := time.Parse(time.DateOnly, u.Keys[1])
		if err != nil {
			return err
		}
		id, ago := strings.ToLower(u.Keys[0]), int(today.Sub(at)/(24*time.Hour))
		if counts[id] == nil {
			counts[id] = &[sparkDays]int64{}
		}
		if ago >= 0 && ago < sparkDays {
			counts[id][sparkDays-1-ago] += u.Requests
		}
	}
	for i := range rows {
		var days [sparkDays]int64
		if n := counts[rows[i].ID]; n != nil {
			days = *n
		}
		rows[i].Spark = sparkOf(days)
	}
	return nil
}
