package console

import (
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// toSessions is the page of sessions.
const toSessions = "/console/account/sessions"

// sessionsPage lists the sessions of a user, of whom there are a few at most.
type sessionsPage struct {
	Rows   []sessionRow
	Others bool // whether there are any but this one
	Most   int

	Devices, Signed int // how many are of devices, and of others
}

// sessionRow is a session.
type sessionRow struct {
	ID, Device, Kind, From string
	Began, Used, Ends      time.Time
	Ago                    string
	Here                   bool
}

func (c *console) sessions(r *edge.Request, _ edge.None) (edge.Page, error) {
	list, err := c.authority.Sessions(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := sessionsPage{Others: len(list) > 1, Most: authority.MaxSessions}
	for _, s := range list {
		row := sessionRow{
			ID: s.ID.String(), Device: device(s.UserAgent), Kind: "By the API", From: s.Address,
			Began: s.CreatedAt, Used: s.UsedAt, Ago: ago(c.authority.Now(), s.UsedAt), Ends: s.EndsAt, Here: s.ID == r.Principal.Credential.ID,
		}
		if s.Cookie {
			row.Kind = "In a browser"
		}
		if s.Device != "" {
			row.Device, row.Kind = s.Device, "A device that you let act for you"
			p.Devices++
		} else {
			p.Signed++
		}
		if row.From == "" {
			row.From = "Address unknown"
		}
		if s.IdleUntil.Before(row.Ends) {
			row.Ends = s.IdleUntil
		}
		p.Rows = append(p.Rows, row)
	}
	return c.render(r, "sessions", page{Title: "Sessions", Body: p})
}

func (c *console) endSession(r *edge.Request, in edge.Values) (edge.Page, error) {
	id, err := authority.ParseID(r.PathValue("session"))
	if err == nil {
		err = c.authority.EndSession(r.Context(), &r.Principal, id)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, toSessions, "ended")
}

func (c *console) endOthers(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.authority.EndOtherSessions(r.Context(), &r.Principal); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, toSessions, "others")
}

func (c *console) signOutEverywhere(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.authority.SignOut(r.Context(), &r.Principal, true); err != nil {
		return edge.Page{}, err
	}
	c.set(r, "")
	return c.moveTo(r, "/console/sign-in")
}

// The names that browsers and systems give themselves, those first that others
// name too.
var (
	browsers = [][2]string{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"}, {"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"},
		{"curl/", "curl"}, {"Wget/", "Wget"}, {"python-requests/", "Python"}, {"Python-urllib/", "Python"}, {"Go-http-client/", "A Go program"},
		{"node", "Node.js"}, {"axios/", "axios"}, {"PostmanRuntime/", "Postman"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// device says by words of ours what a session was begun with, as far as it says.
func device(userAgent string) string {
	named := func(list [][2]string) string {
		for _, pair := range list {
			if strings.Contains(userAgent, pair[0]) {
				return pair[1]
			}
		}
		return ""
	}
	browser, system := named(browsers), named(systems)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return "A browser on " + system
	}
	return "An unknown device"
}
