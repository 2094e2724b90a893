package console

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// toDevice is where a device leads who is to say yes. BetaHub's documents name
// the address.
const toDevice = "/device_auth/{device}/authorize"

// devicePath finds the paths of toDevice.
var devicePath = regexp.MustCompile(`^/device_auth/[A-Za-z0-9_-]{16,128}/authorize$`)

func (c *console) deviceRoutes() []edge.Route {
	return []edge.Route{
		edge.Get(toDevice, edge.Authenticated, c.device),
		edge.Form(toDevice, edge.Authenticated, most, c.guarded(c.allowDevice)),
		edge.Form("/device_auth/{device}/deny", edge.Authenticated, most, c.sentAnd(c.denyDevice)),
	}
}

// deviceAt is where the addresses of a device begin.
func deviceAt(r *edge.Request) string { return "/device_auth/" + r.PathValue("device") }

// devicePage asks whether a device may act for who has signed in, or says what
// became of that.
type devicePage struct {
	Name, Kind     string // as the device says itself
	From, Here     string // the address that it asks from, and that of who is asked
	Program        string
	Asked          string
	Until          time.Time // it would act
	Pending        bool
	Places         []choice // the organizations among which is to be chosen
	Place          string   // the only one
	User, Email    string
	Allow, Deny    string // where the answers lead
	Heading, Text  string // of what isn't pending
	Good, Sessions bool
	Problems       []trouble
}

// Problem finds what is wrong with a field.
func (p devicePage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// Far reports whether the device asks from another address than who is asked.
// That it is the same one proves nothing: others may share it.
func (p devicePage) Far() bool { return p.From != "" && p.From != p.Here }

// Nowhere reports whether who is asked is in no organization in which it could act.
func (p devicePage) Nowhere() bool { return p.Place == "" && len(p.Places) == 0 }

func (c *console) device(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showDevice(r, nil)
}

// showDevice writes the page, with what is wrong with a form.
func (c *console) showDevice(r *edge.Request, problems []trouble) (edge.Page, error) {
	d, err := c.authority.Device(r.Context(), &r.Principal, r.PathValue("device"))
	if errors.Is(err, credential.NotFound) {
		return c.executeDevice(r, http.StatusNotFound, devicePage{Heading: "Nothing waits here", Text: "The link is wrong, or what asked has long stopped waiting. Begin again on the device."})
	}
	if err != nil {
		return edge.Page{}, err
	}
	p := devicePage{
		Name: d.Name, Kind: strings.ReplaceAll(d.Kind, "_", " "), From: d.Address, Program: d.UserAgent, Here: r.Address.String(),
		Asked: ago(c.authority.Now(), d.CreatedAt), Until: c.authority.Now().Add(authority.DeviceLasts), Problems: problems,
		Allow: deviceAt(r) + "/authorize", Deny: deviceAt(r) + "/deny",
	}
	if d.State != authority.DevicePending {
		p.tell(d, r.Principal.Subject)
		return c.executeDevice(r, 0, p)
	}
	p.Pending = true
	places, err := c.authority.DevicePlaces(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	for _, m := range places {
		p.Places = append(p.Places, choice{Value: authority.PublicID("org", m.ID), Title: m.Name, Note: titled(string(m.Role))})
	}
	if len(places) == 1 {
		p.Place, p.Places = places[0].Name, nil
	}
	status := 0
	if problems != nil {
		status = unprocessable
	}
	return c.executeDevice(r, status, p)
}

func (c *console) executeDevice(r *edge.Request, status int, p devicePage) (edge.Page, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p.User, p.Email = user.Name, user.Email
	title := p.Heading
	if p.Pending {
		title = "Let a device act for you?"
	}
	return c.execute(r.Request, "device", status, page{Title: title, Form: c.authority.FormToken(&r.Principal), Body: p})
}

// tell says what became of a request.
func (p *devicePage) tell(d *authority.Device, me uuid.UUID) {
	mine := d.User == me
	switch {
	case d.State == authority.DeviceExpired && d.User == uuid.Nil:
		p.Heading, p.Text = "That took too long", "A device waits five minutes for an answer. Begin again there."
	case !mine:
		p.Heading, p.Text = "This was answered before", "Somebody else said yes or no. Was it to be you? Begin again on the device."
	case d.State == authority.DeviceAllowed:
		p.Heading, p.Text, p.Good, p.Sessions = "Go back to the device", "It goes on by itself within seconds. You can close this page.", true, true
	case d.State == authority.DeviceTaken:
		p.Heading, p.Text, p.Good, p.Sessions = "The device acts for you", "Go back to it. You can close this page.", true, true
	case d.State == authority.DeviceDenied:
		p.Heading, p.Text = "You said no", "The device got nothing. You can close this page."
	default:
		p.Heading, p.Text = "The device didn’t come back", "You said yes, and it didn’t ask again. It got nothing: begin again there."
	}
}

func (c *console) allowDevice(r *edge.Request, in edge.Values) (edge.Page, error) {
	place, err := uuid.Nil, error(nil)
	if text := in["organization"]; text != "" {
		if place, err = authority.ParsePublicID("org", text); err != nil {
			place = uuid.Max // which nobody is in
		}
	}
	return c.answered(r, c.authority.AllowDevice(r.Context(), &r.Principal, r.PathValue("device"), place))
}

func (c *console) denyDevice(r *edge.Request, _ edge.Values) (edge.Page, error) {
	return c.answered(r, c.authority.DenyDevice(r.Context(), &r.Principal, r.PathValue("device")))
}

// answered leads on to what became of a request, whoever answered it first.
func (c *console) answered(r *edge.Request, err error) (edge.Page, error) {
	var e *credential.Error
	switch {
	case err == nil, errors.Is(err, authority.ErrAnswered):
		return c.moveTo(r, deviceAt(r)+"/authorize")
	case errors.Is(err, authority.ErrNowhere): // which the page says
		return c.showDevice(r, []trouble{})
	case errors.As(err, &e) && e.Field == "organization":
		return c.showDevice(r, []trouble{{"organization", "Choose where it may act."}})
	case errors.Is(err, credential.NotFound):
		return c.showDevice(r, nil)
	}
	return edge.Page{}, err
}
