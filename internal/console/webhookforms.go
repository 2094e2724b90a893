package console

import (
	"crypto/rand"
	"errors"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

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

func (c *console) editWebhook(r *edge.Request, _ edge.None) (edge.Page, error) {
	_, w, err := c.hook(r)
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
	of, w, err := c.hook(r)
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
	_, w, err := c.hook(r)
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
	_, w, err := c.hook(r)
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
