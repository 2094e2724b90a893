package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
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

// hookForm is the form of an endpoint as it is filled in.
func hookForm(in edge.Values, w *store.Webhook) []formSection {
	var events []choice
	for _, name := range w.Format.Names() {
		if name != "test" { // which is sent when it is asked for
			events = append(events, choice{Value: name, Title: name, Checked: in["events:"+name] != ""})
		}
	}
	return []formSection{
		{Title: "Where does it go?", Controls: []control{
			{Kind: "text", Name: "url", Label: "URL", Value: in["url"], Most: 2048, Mono: true, Place: "https://hooks.example.com/gatehouse", Hint: "HTTPS on the public internet, port 443 or 8443. No private address, and no redirect is followed."},
			{Kind: "text", Name: "description", Label: "Description", Value: in["description"], Most: 500, Optional: true, Hint: "What listens there."},
		}},
		{Title: "What is it told of?", Controls: []control{
			{Kind: "events", Name: "events", Label: "Events", Hint: "None chosen is all of them, each change once.", Groups: groupsOf(events, ".")},
		}},
	}
}

// hookIn is what a form says of an endpoint.
func hookIn(in edge.Values, w *store.Webhook) authority.WebhookRequest {
	to, text, events := in["url"], in["description"], []string{}
	for _, name := range w.Format.Names() {
		if in["events:"+name] != "" {
			events = append(events, name)
		}
	}
	return authority.WebhookRequest{URL: &to, Description: &text, Events: &events}
}

var hookFields = map[string]string{"url": "The URL", "description": "The description", "events": "The events"}

func (c *console) newWebhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showHookForm(r, edge.Values{"once": rand.Text()}, nil)
}

func (c *console) showHookForm(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	if err := manageHooks(r); err != nil {
		return edge.Page{}, err
	}
	return c.ask(r, formPage{
		Title: "New webhook", Text: "An address that is told what happens in the organization, by an HTTPS request that is signed.", Back: base(r) + "/webhooks", BackTitle: "Webhooks",
		To: base(r) + "/webhooks", Do: "Create webhook", Once: in["once"], Problems: problems, Sections: hookForm(in, &store.Webhook{}),
		Asides: []aside{
			{"Signed", "Each request is signed with a secret that the next page shows once. Check it: anybody can post to your address."},
			{"Tried again", "What fails is tried ten times over three days. After three days without a success it is turned off."},
			{"The organization’s", "It goes on when you leave."},
		},
	})
}

func (c *console) createWebhook(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := manageHooks(r); err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	req := hookIn(in, &store.Webhook{})
	req.Idempotency = once
	made, err := c.authority.CreateWebhook(r.Context(), &r.Principal, r.Principal.Organization, req)
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, base(r)+"/webhooks")
	}
	problems, err := mend(err, hookFields)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showHookForm(r, in, problems)
	}
	return c.showHookSecret(r, made, "Copy the signing secret now")
}

func (c *console) showHookSecret(r *edge.Request, made *authority.IssuedWebhook, heading string) (edge.Page, error) {
	row := c.webhookRow(r, &made.Webhook)
	return c.render(r, "secret", page{Title: heading, Body: secretPage{
		Heading: heading, Name: row.Host, What: "Secret", Short: "secret", Secret: made.Secret.Reveal(), Back: row.To,
		Facts: []fact{{Title: "Events", Text: row.Events}, {Title: "Signed", Text: "HMAC-SHA-256"}},
	}})
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

// deliveryRow is one event for an endpoint.
type deliveryRow struct {
	To, Event, Answer string
	At                time.Time
	Attempts          string
	Chip              chip
	Note              string
}

func (c *console) webhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showWebhook(r, nil)
}

func (c *console) showWebhook(r *edge.Request, problems []trouble) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
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
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	id, err := pathID(r, "delivery")
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
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

func (c *console) editWebhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	in := edge.Values{"url": w.URL, "description": w.Description}
	for _, name := range w.Events {
		in["events:"+name] = "on"
	}
	return c.showHookChange(r, w, in, nil)
}

func (c *console) showHookChange(r *edge.Request, w *store.Webhook, in edge.Values, problems []trouble) (edge.Page, error) {
	row := c.webhookRow(r, w)
	return c.ask(r, formPage{Title: "Change webhook", Back: row.To, BackTitle: row.Host, To: r.URL.Path, Do: "Save", Problems: problems, Sections: hookForm(in, w)})
}

func (c *console) changeWebhook(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	_, err = c.authority.UpdateWebhook(r.Context(), &r.Principal, of, hookIn(in, w))
	problems, err := mend(err, hookFields)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showHookChange(r, w, in, problems)
	}
	return c.done(r, base(r)+"/webhooks/"+of.ID.String(), "saved")
}

func (c *console) switchWebhook(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	on, deed := in["active"] == "yes", "paused"
	if on {
		deed = "enabled"
	}
	if _, err := c.authority.UpdateWebhook(r.Context(), &r.Principal, of, authority.WebhookRequest{Active: &on}); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/webhooks/"+of.ID.String(), deed)
}

// overlaps are how long the secret before a rotation signs beside the next.
var overlaps = []choice{{Value: "later", Title: "24 hours more", Checked: true}, {Value: "now", Title: "Not at all"}}

func (c *console) askRotateWebhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	row := c.webhookRow(r, w)
	return c.sure(r, surePage{
		Heading: "Rotate the signing secret", To: r.URL.Path, Do: "Rotate secret", Keep: "Cancel", Back: row.To, BackTitle: row.Host, Once: rand.Text(),
		Texts:   []string{"It gets a new secret, shown once on the next page. While both sign, every request carries two signatures: give your receiver the new one meanwhile."},
		Choices: slices.Clone(overlaps), Ask: "The secret that signs now goes on", Hint: "Not at all, where it has leaked: requests are refused by your receiver until it has the new one.",
		Facts: []fact{{Title: "Endpoint", Text: row.Host}},
	})
}

func (c *console) rotateWebhook(r *edge.Request, in edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if of.Idempotency, err = sentOnce(in); err != nil {
		return edge.Page{}, err
	}
	made, err := c.authority.RotateWebhook(r.Context(), &r.Principal, of, in["how"] == "now")
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, base(r)+"/webhooks/"+of.ID.String())
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showHookSecret(r, made, "Copy the new signing secret now")
}

func (c *console) askDeleteWebhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.authority.Webhook(r.Context(), &r.Principal, of)
	if err != nil {
		return edge.Page{}, err
	}
	row := c.webhookRow(r, w)
	return c.sure(r, surePage{
		Heading: "Delete the webhook at " + row.Host + "?", To: r.URL.Path, Do: "Delete webhook", Keep: "Keep webhook", Danger: true, Back: row.To, BackTitle: row.Host,
		Texts: []string{"It is told nothing more, and what waits for it is gone, as is the list of what it was told. This can't be taken back."},
		Facts: []fact{{Title: "Events", Text: row.Events}, {Title: "Status", Text: row.Chip.Word}}, Hint: "To stop it for a while, turn it off instead.",
	})
}

func (c *console) deleteWebhook(r *edge.Request, _ edge.Values) (edge.Page, error) {
	of, err := hookOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if err := c.authority.DeleteWebhook(r.Context(), &r.Principal, of); err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/webhooks", "webhook-deleted")
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
