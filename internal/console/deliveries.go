package console

import (
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// deliveryRow is one event for an endpoint.
type deliveryRow struct {
	To, Event, Answer string
	At                time.Time
	Attempts          string
	Chip              chip
	Note              string
}

func (c *console) deliveryRow(d *store.Delivery, hook string) deliveryRow {
	row := deliveryRow{To: hook + "/deliveries/" + d.ID.String(), Event: d.Event, At: d.CreatedAt, Attempts: "Not tried yet", Answer: "No answer"}
	if d.Attempts == 1 {
		row.Attempts = "1 try"
	} else if d.Attempts > 1 {
		row.Attempts = strconv.Itoa(d.Attempts) + " tries"
	}
	if d.StatusCode != 0 {
		row.Answer = strconv.Itoa(d.StatusCode)
	}
	switch {
	case !d.DeliveredAt.IsZero():
		row.Chip, row.Note = chip{"ok", "check", "Arrived"}, when(d.DeliveredAt)
	case d.Failure == "":
		row.Chip, row.Note, row.Answer = chip{"info", "clock", "Waits"}, "It is sent within seconds", "Not sent yet"
	case !d.NextAt.IsZero():
		row.Chip, row.Note = chip{"warn", "clock", "Tried again"}, "Next "+when(d.NextAt)
	default:
		row.Chip, row.Note = chip{"bad", "ban", "Given up"}, titled(d.Failure)
	}
	return row
}

// deliveryPage shows what was sent, and what came back.
type deliveryPage struct {
	Row                        deliveryRow
	ID                         copyable
	Payload, Response, Failure string
	Host, Back                 string
	Active                     bool
	Problems                   []trouble
}

func (c *console) delivery(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showDelivery(r, nil)
}

func (c *console) showDelivery(r *edge.Request, problems []trouble) (edge.Page, error) {
	of, w, err := c.hook(r)
	if err != nil {
		return edge.Page{}, err
	}
	id, err := pathID(r, "delivery")
	if err != nil {
		return edge.Page{}, err
	}
	d, err := c.authority.Delivery(r.Context(), &r.Principal, of, id)
	if err != nil {
		return edge.Page{}, err
	}
	hook := c.webhookRow(r, w)
	p := deliveryPage{Row: c.deliveryRow(d, hook.To), ID: copyable{"delivery-id", d.MessageID(), "Delivery ID", ""}, Payload: pretty(d.Payload), Response: d.Response, Host: hook.Host, Back: hook.To, Active: w.Active, Problems: problems}
	if d.Failure != "" {
		p.Failure = stop(d.Failure)
	}
	out, err := c.render(r, "delivery", page{Title: d.Event, Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) redeliver(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	id, err := pathID(r, "delivery")
	if err != nil {
		return edge.Page{}, err
	}
	_, err = c.authority.Redeliver(r.Context(), &r.Principal, of, id)
	problems, err := mend(err, nil)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showDelivery(r, problems)
	}
	return c.done(r, base(r)+"/webhooks/"+of.ID.String()+"/deliveries/"+id.String(), "redelivered")
}
