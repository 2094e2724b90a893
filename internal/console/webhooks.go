package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// webhookRoutes are the pages about the endpoints of an organization.
func (c *console) webhookRoutes() []edge.Route {
	const hooks = organization + "/webhooks"
	const one = hooks + "/{webhook}"
	read, write := edge.Needs(credential.WebhooksRead), edge.Needs(credential.WebhooksWrite)
	return []edge.Route{
		shows(hooks, read, c.webhooks),
		shows(hooks+"/new", write, c.newWebhook),
		edge.Form(hooks, write, most, c.guarded(c.createWebhook)),
		shows(one, read, c.webhook, "after"),
		shows(one+"/edit", write, c.editWebhook),
		edge.Form(one+"/edit", write, most, c.guarded(c.changeWebhook)),
		edge.Form(one+"/active", write, most, c.guarded(c.switchWebhook)),
		edge.Form(one+"/test", write, most, c.sentAnd(c.testWebhook)),
		shows(one+"/rotate", write, c.askRotateWebhook),
		edge.Form(one+"/rotate", write, most, c.guarded(c.rotateWebhook)),
		shows(one+"/delete", write, c.askDeleteWebhook),
		edge.Form(one+"/delete", write, most, c.guarded(c.deleteWebhook)),
		shows(one+"/deliveries/{delivery}", read, c.delivery),
		edge.Form(one+"/deliveries/{delivery}/redeliver", write, most, c.sentAnd(c.redeliver)),
	}
}

// webhookRow is an endpoint in the list.
type webhookRow struct {
	ID, To, URL, Host  string
	Text, Events, Told string
	Format             string
	Chip               chip
	Note               string
	Arrived, Failed    string
	Active             bool
}

type webhooksPage struct {
	Rows []webhookRow
	Most int
}

// manageHooks lets nobody see endpoints but an owner or administrator.
func manageHooks(r *edge.Request) error {
	if !r.Principal.SignedIn() || !r.Principal.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "owners and admins look after the webhooks of an organization; ask one of yours")
	}
	return nil
}

func (c *console) webhooks(r *edge.Request, _ edge.None) (edge.Page, error) {
	if err := manageHooks(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.Webhooks(r.Context(), &r.Principal, r.Principal.Organization, uuid.Nil, mostRows)
	if err != nil {
		return edge.Page{}, err
	}
	sent, err := c.authority.Sent(r.Context(), &r.Principal, found, c.authority.Now().Add(-24*time.Hour))
	if err != nil {
		return edge.Page{}, err
	}
	p := webhooksPage{}
	for i := range found {
		row := c.webhookRow(r, &found[i])
		of := sent[found[i].ID]
		row.Arrived, row.Failed = grouped(int64(of.Arrived)), grouped(int64(of.Failed))
		p.Rows = append(p.Rows, row)
	}
	return c.render(r, "webhooks", page{Title: "Webhooks", Body: p})
}

func (c *console) webhookRow(r *edge.Request, w *store.Webhook) webhookRow {
	row := webhookRow{ID: w.ID.String(), To: base(r) + "/webhooks/" + w.ID.String(), URL: w.URL, Host: w.URL, Text: w.Description, Active: w.Active, Events: "Everything", Format: "Gatehouse’s words"}
	if u, err := url.Parse(w.URL); err == nil && u.Host != "" {
		row.Host = u.Host
	}
	if n := len(w.Events); n > 0 {
		row.Events, row.Told = countOf(n, "event"), strings.Join(w.Events, ", ")
	}
	if isBetaTesting(w) {
		row.Format = "BetaTesting’s words"
	}
	row.Chip, row.Note = chip{"ok", "dot", "Active"}, "Since "+day(w.CreatedAt)
	switch {
	case !w.Active:
		row.Chip, row.Note = chip{"", "pause", "Off"}, "It is told nothing"
	case !w.FailingSince.IsZero():
		row.Chip, row.Note = chip{"bad", "warn", "Failing"}, "Since "+when(w.FailingSince)
	}
	return row
}

// isBetaTesting reports whether an endpoint is told in BetaTesting's words.
func isBetaTesting(w *store.Webhook) bool { return w.Format == "betatesting" }

// hookOf names the endpoint in the path.
func hookOf(r *edge.Request) (of authority.WebhookRef, err error) {
	if err := manageHooks(r); err != nil {
		return of, err
	}
	of.Organization = r.Principal.Organization
	of.ID, err = pathID(r, "webhook")
	return of, err
}

// hook is the endpoint in the path.
func (c *console) hook(r *edge.Request) (of authority.WebhookRef, w *store.Webhook, err error) {
	if of, err = hookOf(r); err != nil {
		return of, nil, err
	}
	w, err = c.authority.Webhook(r.Context(), &r.Principal, of)
	return of, w, err
}

// webhookPage shows an endpoint and what it was told.
type webhookPage struct {
	Row         webhookRow
	ID          copyable
	List        *listing
	Deliveries  []deliveryRow
	Project     string
	Since       time.Time
	Overlap     string // until when the secret before signs as well
	Recipe, Go  string
	Problems    []trouble
	BetaTesting bool
}

func (c *console) webhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showWebhook(r, nil)
}

func (c *console) showWebhook(r *edge.Request, problems []trouble) (edge.Page, error) {
	of, w, err := c.hook(r)
	if err != nil {
		return edge.Page{}, err
	}
	before, err := afterID(r)
	if err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.Deliveries(r.Context(), &r.Principal, of, before, pageRows+1)
	if err != nil {
		return edge.Page{}, err
	}
	p := webhookPage{Row: c.webhookRow(r, w), ID: copyable{"hook-id", w.ID.String(), "Webhook ID", ""}, Since: w.CreatedAt, Recipe: recipeJS, Go: recipeGo, Problems: problems, BetaTesting: isBetaTesting(w)}
	if w.PreviousEndsAt.After(c.authority.Now()) {
		p.Overlap = when(w.PreviousEndsAt)
	}
	if w.Project != uuid.Nil {
		p.Project = w.Project.String()
		if project, err := c.authority.Project(r.Context(), &r.Principal, w.Organization, store.ProjectRef{ID: w.Project}); err == nil {
			p.Project = project.Name
		}
	}
	p.List = listed(r, "Deliveries", p.Row.To)
	for i := range found[:min(len(found), pageRows)] {
		p.Deliveries = append(p.Deliveries, c.deliveryRow(&found[i], p.Row.To))
	}
	if len(found) > pageRows {
		p.List.after(true, found[pageRows-1].ID.String())
	}
	out, err := c.render(r, "webhook", page{Title: p.Row.Host, Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) testWebhook(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	d, err := c.authority.TestWebhook(r.Context(), &r.Principal, of)
	problems, err := mend(err, nil)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showWebhook(r, problems)
	}
	return c.done(r, base(r)+"/webhooks/"+of.ID.String()+"/deliveries/"+d.ID.String(), "tested")
}

// The recipes by which a receiver checks a signature.
var (
	recipeJS = fmt.Sprintf(`import { createHmac, timingSafeEqual } from "node:crypto";

export function verify(secret, headers, body) { // body: the raw text
  const id = headers["webhook-id"], at = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - at) < %d)) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const want = createHmac("sha256", key).update(`+"`${id}.${at}.`"+`).update(body).digest();
  return headers["webhook-signature"].split(" ").some((signature) => {
    const [version, text] = signature.split(",");
    const got = Buffer.from(text ?? "", "base64");
    return version === "v1" && got.length === want.length && timingSafeEqual(got, want);
  });
}`, 300)
	recipeGo = `receiver, err := standardwebhooks.NewWebhook(secret) // github.com/standard-webhooks/standard-webhooks/libraries/go
…
body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
if err != nil || receiver.Verify(body, r.Header) != nil {
	http.Error(w, "not from Gatehouse", http.StatusUnauthorized)
	return
}`
)
