package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

//go:embed assets pages
var files embed.FS

// policy lets a page load what this server has, ask it for more, and run its one
// script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types gatehouse"

func (c *console) headers() http.Header {
	h := http.Header{"Content-Security-Policy": {policy}}
	if c.secure && c.refused == "" {
		h["Strict-Transport-Security"] = []string{"max-age=31536000"}
	}
	return h
}

// gated are the pages that stand alone, without the menu.
var gated = []string{"signin", "problem", "moved", "gateform", "invitation", "provider", "leave", "back", "device"}

// stamp is a digest of all files that pages name: what has changed has another
// address.
var stamp = sync.OnceValue(func() string {
	digest := sha256.New()
	each(func(_ string, body []byte) { digest.Write(body) })
	return hex.EncodeToString(digest.Sum(nil)[:6])
})

// packed are those of them that gzip makes smaller, by their names.
var packed = sync.OnceValue(func() map[string][]byte {
	all := map[string][]byte{}
	each(func(name string, body []byte) {
		if small := edge.Pack(body); len(small) < len(body)*9/10 {
			all[path.Base(name)] = small
		}
	})
	return all
})

// each hands out the files that pages name.
func each(do func(name string, body []byte)) {
	must(fs.WalkDir(files, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		do(name, body)
		return err
	}))
}

// pages are the templates, each parsed when it is first asked for: a command of
// the operator's shows none.
var pages = sync.OnceValue(func() map[string]func() *template.Template {
	all := map[string]func() *template.Template{}
	names, err := fs.Glob(files, "pages/*.html")
	must(err)
	for _, file := range slices.DeleteFunc(names, isPart) {
		name := strings.TrimSuffix(path.Base(file), ".html")
		frame := "pages/workparts.html"
		if slices.Contains(gated, name) {
			frame = "pages/gate.html"
		}
		all[name] = parsed(frame, file)
	}
	all["firstkey"] = parsed("pages/gate.html", "pages/secret.html") // which is shown to who hasn't been here before
	return all
})

func parsed(frame, file string) func() *template.Template {
	return sync.OnceValue(func() *template.Template {
		return template.Must(template.New("").Funcs(words).Funcs(template.FuncMap{
			"asset": func(name string) string { return AssetsPath() + name },
			"icon":  icon,
		}).ParseFS(files, "pages/base.html", "pages/parts.html", frame, file))
	})
}

// AssetsPath is where the style, the script and the fonts of the pages are.
func AssetsPath() string { return "/console/assets/" + stamp() + "/" }

// isPart reports whether a template is a part of pages, and none by itself.
func isPart(file string) bool {
	return slices.Contains([]string{"pages/base.html", "pages/parts.html", "pages/gate.html", "pages/workparts.html"}, file)
}

// must stops a program whose own files are broken.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// types are the media types of the files that pages name.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".woff2": "font/woff2", ".svg": "image/svg+xml",
}

func (c *console) asset(r *edge.Request, _ edge.None) (edge.Asset, error) {
	name := r.PathValue("file")
	kind := types[path.Ext(name)]
	body, err := files.ReadFile("assets/" + name)
	if err != nil || kind == "" || r.PathValue("version") != stamp() {
		return edge.Asset{}, credential.Errorf(credential.NotFound, "no such file")
	}
	return edge.Asset{Type: kind, Body: body, Packed: packed()[name]}, nil
}

// page is what every template sees.
type page struct {
	Title        string
	Theme        string // empty for what the system says
	Themes       []string
	Path         string // of this page, to come back to
	Next         string // where it leads by itself
	User         *store.User
	Operator     *operatorFrame    // nil on everybody else's pages
	Organization *store.Membership // nil where the page is about none
	Base         string            // of the addresses of the organization
	Form         string            // proves that a form is of this session
	Done         string            // what was just done; empty for nothing
	Nav          []section
	Project      *place // nil where the page is about none
	Body         any
}

// themes are the choices of colours.
func themes() []string { return []string{"auto", "light", "dark"} }

// themeOf reads the colours that a browser asked for before.
func (c *console) themeOf(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(c.theme) {
		if cookie.Value == "light" || cookie.Value == "dark" {
			return cookie.Value
		}
	}
	return ""
}

// render writes a page of somebody who has signed in.
func (c *console) render(r *edge.Request, name string, p page) (edge.Page, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p.User, p.Form, p.Path = user, c.authority.FormToken(&r.Principal), r.URL.Path
	if r.Method == http.MethodGet {
		p.Done = deeds[r.Param("done")]
	} else {
		p.Path = "/console/"
	}
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	for i := range memberships {
		if memberships[i].ID == r.Principal.Organization {
			p.Organization = &memberships[i]
			p.Base = baseOf(p.Organization)
		}
	}
	p.Nav = menu(p.Organization, p.Base, r.URL.Path)
	return c.execute(r.Request, name, 0, p)
}

func baseOf(m *store.Membership) string {
	return "/console/organizations/" + authority.PublicID("org", m.ID)
}

// execute writes a page.
func (c *console) execute(r *http.Request, name string, status int, p page) (edge.Page, error) {
	p.Theme, p.Themes = c.themeOf(r), themes()
	var out bytes.Buffer
	err := pages()[name]().ExecuteTemplate(&out, "document", p)
	return edge.Page{Status: status, HTML: out.Bytes()}, err
}

// deeds are what a page says once of what led to it, by the name that its
// address has for that.
var deeds = map[string]string{
	"role": "The role was changed. It holds from the next request on.", "removed": "The member was removed.", "service-user": "The service user was created.",
	"invited": "Invited. A letter is on its way.", "withdrawn": "The invitation was withdrawn: its link is dead.",
	"project": "The project was created.", "archived": "The project was archived.", "restored": "The project is back in service.", "project-deleted": "The project was deleted.",
	"project-role": "The role in the project was changed.", "project-left": "The role in the project was taken away.",
	"organization-deleted": "The organization was deleted.",
	"rule":                 "The rule was created. Jobs that fit it are let in from now on.", "rule-deleted": "The rule was deleted, and the tokens that stood on it ended.",
	"webhook-deleted": "The webhook was deleted.", "redelivered": "It was sent again.", "tested": "A test event was sent.",
	"paused": "The webhook is off. What waited for it was given up.", "enabled": "The webhook is on.",
	"saved":          "Saved.",
	"suspended":      "Suspended. Requests with it are refused until you resume it.",
	"resumed":        "It works again.",
	"revoked":        "Revoked. Requests with it get 401.",
	"rotated":        "The new key is published.",
	"keys-revoked":   "Revoked. Requests with any of those keys get 401.",
	"password":       "Your password is changed, and your other sessions have ended.",
	"left":           "You are no member of it any more.",
	"joined":         "You are a member now.",
	"founded":        "The organization is there, and you own it.",
	"single":         "Two-factor authentication is off.",
	"ended":          "The session has ended.",
	"others":         "Your other sessions have ended.",
	"budget-removed": "The budget is gone. What was spent stays in the ledger.",
	"commented":      "Your comment was added.",
	"reported":       "The issue was reported.",

	"provider":           "Saved. People with an address in these domains can sign in by the provider while it is on.",
	"provider-deleted":   "The provider is taken away. People sign in by password.",
	"provider-forgotten": "Forgotten. The provider may vouch for them anew.",
}

// done is moveTo with a word of what was done, one of deeds.
func (c *console) done(r *edge.Request, to, deed string) (edge.Page, error) {
	return c.moveTo(r, to+"?done="+deed)
}

// moveTo is the answer to a form that was done: a page that leads on. No answer
// of this server is a redirect.
func (c *console) moveTo(r *edge.Request, to string) (edge.Page, error) {
	return c.execute(r.Request, "moved", 0, page{Title: "Done", Next: to})
}

// ours returns a path of the console to go on to: what else a form says leads
// nowhere else.
func ours(to string) string {
	if devicePath.MatchString(to) {
		return to
	}
	if !strings.HasPrefix(to, "/console/") || strings.ContainsAny(to, "\\?#;\x00") || path.Clean(to) != strings.TrimSuffix(to, "/") {
		return "/console/"
	}
	return to
}

// problem is what a page says of a failure.
type problem struct{ Text, Request string }

// writeProblem answers a failure by a page: the one to sign in, where that helps.
func (c *console) writeProblem(w http.ResponseWriter, f edge.Failure, requestID string) {
	r := f.Request
	if r == nil {
		r = &http.Request{}
	}
	name, p := "problem", page{Title: headline(f.Status), Body: problem{sentence(f), requestID}}
	if f.Status == http.StatusUnauthorized {
		body := signInPage{Next: "/console/", Notice: "Your API keys and clients are behind it."}
		if r.Method == http.MethodGet {
			body.Next = ours(r.URL.Path)
		}
		if devicePath.MatchString(body.Next) {
			body.Notice = "A device asks to act for you. Sign in, and say yes or no."
		}
		if f.Denied != nil && f.Denied.Code != "" {
			body.Notice = "Your session has ended. Sign in to go on."
		}
		name, p = "signin", c.signInAs(r, body)
	}
	out, err := c.execute(r, name, f.Status, p)
	if err != nil {
		out = edge.Page{Status: http.StatusInternalServerError, HTML: edge.HTML("Something went wrong.")}
	}
	edge.WritePage(w, out)
}

// headline says what happened.
func headline(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "Not found"
	case status == http.StatusForbidden:
		return "You can't do that"
	case status >= http.StatusInternalServerError:
		return "Something went wrong"
	}
	return "That didn't work"
}

// sentence says what somebody can do about a failure.
func sentence(f edge.Failure) string {
	switch {
	case f.Status == http.StatusNotFound:
		return "There is no such page here, or it isn't yours to see."
	case f.Status == http.StatusServiceUnavailable:
		return "The server can't reach its database. Nothing was changed; try again in a moment."
	case f.Denied != nil && f.Status == http.StatusForbidden:
		return "Your role in this organization doesn't allow that. Ask an owner or admin."
	}
	return stop(f.Detail)
}
