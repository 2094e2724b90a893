package console

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// stackOf is the chart of days, told apart by the credentials that did most.
func (c *console) stackOf(r *edge.Request, m *measured, credentials []store.Usage, names []link) (out stack, err error) {
	series := min(len(names), mostSeries)
	counts := make([][]int64, series) // by series and day
	for i := range series {
		id, err := uuid.Parse(credentials[i].Keys[0])
		if err != nil {
			return out, err
		}
		if counts[i], err = c.byDay(r, m, id); err != nil {
			return out, err
		}
		out.Legend = append(out.Legend, names[i].Title)
	}
	all, err := c.byDay(r, m, uuid.Nil)
	if err != nil {
		return out, err
	}
	if len(credentials) > series {
		others := make([]int64, m.days)
		for d := range others {
			others[d] = all[d]
			for i := range series {
				others[d] = max(0, others[d]-counts[i][d])
			}
		}
		counts, out.Legend = append(counts, others), append(out.Legend, "All others")
	}
	out.draw(m, counts, all)
	return out, nil
}

// byDay counts the requests of each day, of one credential or (Nil) of all.
func (c *console) byDay(r *edge.Request, m *measured, id uuid.UUID) ([]int64, error) {
	req := m.UsageRequest
	req.Credential, req.By, req.Limit = id, []store.Dimension{store.ByDay}, m.days
	rows, err := c.authority.UsageRows(r.Context(), &r.Principal, req)
	if err != nil {
		return nil, err
	}
	counts := make([]int64, m.days)
	for i := range rows {
		at, err := time.Parse(time.DateOnly, rows[i].Keys[0])
		if err != nil {
			return nil, err
		}
		if d := int(at.Sub(m.From) / (24 * time.Hour)); d >= 0 && d < m.days {
			counts[d] = m.of(&rows[i])
		}
	}
	return counts, nil
}

// draw piles the days up.
func (s *stack) draw(m *measured, counts [][]int64, all []int64) {
	most := int64(0)
	for _, n := range all {
		most = max(most, n)
	}
	step := stepFor(most)
	for i := int64(4); i >= 0; i-- {
		s.Ticks = append(s.Ticks, short(i*step))
	}
	for d := range m.days {
		at := m.From.AddDate(0, 0, d)
		p, height := pile{Label: at.Format("2 Jan"), Day: at.Format("Mon 2 Jan 2006")}, 0
		for i := range counts {
			n := counts[i][d]
			p.Cells = append(p.Cells, grouped(n))
			if n == 0 {
				continue
			}
			piece := piece{Series: i + 1, Height: max(int(float64(n)/float64(4*step)*scale), gapOfPieces)}
			if s.Legend[i] == "All others" {
				piece.Series = mostSeries + 1
			}
			height += piece.Height
			piece.Top = scale - height
			piece.Height = max(piece.Height-gapOfPieces, gapOfPieces/2)
			p.Pieces = append(p.Pieces, piece)
		}
		p.Cells = append(p.Cells, grouped(all[d]))
		s.Days = append(s.Days, p)
	}
}
