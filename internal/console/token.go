package console

import (
	"regexp"
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

// tokenRoutes are the pages of personal tokens, and of the credentials of projects.
func (c *console) tokenRoutes() []edge.Route {
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	const tokens, project = organization + "/tokens", organization + "/projects/{project}/credentials"
	list := []edge.Route{
		shows(ownTokens, edge.Authenticated, c.tokens, "scheme", "state", "q", "after"),
		shows(ownTokens+"/new", edge.Authenticated, c.chooseOrganization, "scheme"),
		shows(organization+"/keys/personal", read, c.organizationTokens, "scheme", "state", "q", "after"),
		shows(tokens, read, c.organizationTokens, "scheme", "state", "q", "after"),
		shows(tokens+"/new", write, c.newToken, "scheme", "from"),
		edge.Form(tokens, write, most, c.guarded(c.createToken)),
		shows(project, read, c.projectTokens, "scheme", "state", "q", "after"),
		shows(project+"/new", write, c.newProjectToken, "scheme", "from"),
		edge.Form(project, write, most, c.guarded(c.createProjectToken)),
	}
	for _, at := range []string{tokens, project} {
		list = append(list,
			shows(at+"/{credential}", read, c.token),
			edge.Get(at+"/{credential}/rotate", write, c.askRotate),
			edge.Form(at+"/{credential}/rotate", write, most, c.guarded(c.rotate)),
			edge.Get(at+"/{credential}/delete", write, c.askRevoke),
			edge.Form(at+"/{credential}/delete", write, most, c.sentAnd(c.revoke)))
	}
	return list
}

// ownTokens is the page of all tokens of who has signed in.
const ownTokens = "/console/account/tokens"

// tokenKind is a product whose tokens or keys have pages here.
type tokenKind struct {
	Name, Title string // in addresses, and on pages
	Word        string // for one of them
	Make        string // what the form's button says
	Secret      string // the variable that pipelines keep it in
	Docs        string // the page about its API
	scheme      string
}

// personal are the kinds of tokens that act as their user.
var personal = []tokenKind{
	{"betahub", "BetaHub", "token", "Create Token", "BETAHUB_TOKEN", "/docs/betahub", "betahub_pat"},
	{"testkase", "TestKase", "token", "Generate", "TESTKASE_PAT", "/docs/testkase", "testkase_pat"},
}

// inProjects are the kinds of credentials that belong to a project.
var inProjects = []tokenKind{
	{"onetest", "OneTest", "key", "Create API Key", "ONETEST_API_KEY", "/docs/onetest", "onetest_key"},
	{"betahub", "BetaHub", "token", "Create Token", "BETAHUB_PROJECT_TOKEN", "/docs/betahub", "betahub_project_token"},
}

// kindOf finds the kind of a scheme; nil for any other.
func kindOf(scheme string) *tokenKind {
	for _, list := range [][]tokenKind{personal, inProjects} {
		if i := slices.IndexFunc(list, func(k tokenKind) bool { return k.scheme == scheme }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// kindNamed finds the kind that a parameter or a field names, the first where
// it names none.
func kindNamed(kinds []tokenKind, name string) (*tokenKind, error) {
	if name == "" {
		return &kinds[0], nil
	}
	i := slices.IndexFunc(kinds, func(k tokenKind) bool { return k.Name == name })
	if i < 0 {
		return nil, credential.InvalidField("scheme", "must be %s or %s", kinds[0].Name, kinds[1].Name)
	}
	return &kinds[i], nil
}

// tokenFamily tells by the path whether a request is about personal tokens or
// the credentials of a project.
func tokenFamily(r *edge.Request) (family, bool) {
	switch project := r.PathValue("project"); {
	case project != "" && below(r.URL.Path, base(r)+"/projects/"+project+"/credentials"):
		return family{"Credentials", base(r) + "/projects/" + project + "/credentials", "credential", "delete", schemesOf(inProjects)}, true
	case below(r.URL.Path, base(r)+"/tokens"):
		return family{"API tokens", base(r) + "/tokens", "token", "delete", schemesOf(personal)}, true
	}
	return family{}, false
}

func schemesOf(kinds []tokenKind) (list []string) {
	for _, k := range kinds {
		list = append(list, k.scheme)
	}
	return list
}

// looksAfter refuses who may not see the family of credentials that a page is
// of. Which of a user or a project anybody sees, is decided for each.
func looksAfter(r *edge.Request) error {
	if _, ok := tokenFamily(r); ok && r.Principal.SignedIn() {
		return nil
	}
	return manages(r)
}

// belongs reports whether a credential is one of the pages that a path is of:
// a token of the user's own, a credential of the project.
func belongs(r *edge.Request, c *credential.Credential) bool {
	if named := r.PathValue("project"); named != "" {
		id, err := authority.ParseID(named)
		return err == nil && id != uuid.Nil && c.Project == id
	}
	if _, ok := tokenFamily(r); ok {
		return c.User == r.Principal.Subject
	}
	return true
}

// tokenRow is a token in a list.
type tokenRow struct {
	row
	Kind         *tokenKind
	Organization string // whose it is; empty where the page is about one
	Writes       bool   // whether who looks may change it
	Due          bool   // whether it is time to rotate it
	RotateFrom   time.Time
	Successor    string // the address of the form of one that takes its place
}

// Days is how long it lives, in days.
func (t *tokenRow) days() int { return int(t.Expires.Sub(t.Created).Hours()/24 + 0.5) }

// reminders are how many days before its end a token is to be rotated, by the
// days of its life.
var reminders = map[int]int{7: 2, 30: 5, 60: 7, 90: 10, 180: 15, 365: 15}

// tokenRowOf is a row of a list whose pages begin at an address.
func (c *console) tokenRowOf(d *authority.Detail, at string) tokenRow {
	t := tokenRow{row: c.rowOf(d, at), Kind: kindOf(d.Credential.Scheme.Name)}
	t.Successor = at + "/new?scheme=" + t.Kind.Name + "&from=" + t.ID
	if t.Expires.IsZero() || t.Inactive {
		return t
	}
	now, before := c.authority.Now(), soon
	if days, ok := reminders[t.days()]; ok && t.Kind.scheme == "testkase_pat" {
		before = time.Duration(days) * 24 * time.Hour
	}
	t.RotateFrom = t.Expires.Add(-before)
	t.Due = !now.Before(t.RotateFrom)
	switch {
	case t.State != credential.Active:
	case t.Due:
		t.Chip, t.Note = chip{"warn", "clock", "Rotate by " + day(t.Expires)}, "Ends "+within(now, t.Expires)
	default:
		t.Chip, t.Note = chip{"ok", "dot", "Active"}, "Until "+day(t.Expires)
	}
	t.Attention = t.Due
	return t
}

// version is at the end of the name of a token that took another's place.
var version = regexp.MustCompile(` v([0-9]{1,4})$`)

// successor names the token that takes the place of another.
func successor(name string) string {
	if m := version.FindStringSubmatchIndex(name); m != nil {
		n, _ := strconv.Atoi(name[m[2]:m[3]])
		return name[:m[2]] + strconv.Itoa(n+1)
	}
	return name + " v2"
}

// tokenPage shows one token or key.
type tokenPage struct {
	keyPage
	Row             tokenRow
	Back, BackTitle string
	Personal        bool
}

func (c *console) token(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := tokenPage{Row: c.tokenRowOf(d, f.Base), Back: f.Base, BackTitle: f.Title, Personal: d.Credential.User != uuid.Nil}
	p.ID, p.Requests, p.Scopes = d.Credential.ID.String(), grouped(d.Use.Requests), d.Credential.Scopes
	p.Row.Writes = r.Principal.Permissions.Has(credential.CredentialsWrite) || !p.Personal // who sees one of a project administers it
	for _, a := range d.Credential.AllowedAddresses {
		p.Addresses = append(p.Addresses, a.String())
	}
	if !p.Row.Inactive {
		p.Secrets = d.Secrets
	}
	p.Calls, err = c.authority.Calls(r.Context(), &r.Principal, authority.CallsRequest{Credential: d.Credential.ID, Limit: mostCalls})
	if err != nil {
		return edge.Page{}, err
	}
	var at *place
	if !p.Personal {
		if _, at, err = c.projectOf(r); err != nil {
			return edge.Page{}, err
		}
	}
	return c.render(r, "tokensone", page{Title: p.Row.Name, Project: at, Body: p})
}

// placesToMake is the page on which somebody of several organizations says
// which one a new token is of.
type placesToMake struct {
	Kind   *tokenKind
	Places []placeToMake
}

type placeToMake struct {
	Name, To string // To is empty where the user may make none
}

func (c *console) chooseOrganization(r *edge.Request, _ edge.None) (edge.Page, error) {
	kind, err := kindNamed(personal, r.Param("scheme"))
	if err != nil {
		return edge.Page{}, err
	}
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := placesToMake{Kind: kind}
	for i := range memberships {
		at := placeToMake{Name: memberships[i].Name}
		if memberships[i].Role.Permissions().Has(credential.CredentialsWrite) {
			at.To = baseOf(&memberships[i]) + "/tokens/new?scheme=" + kind.Name
		}
		p.Places = append(p.Places, at)
	}
	if len(p.Places) == 1 && p.Places[0].To != "" {
		return c.showTokenForm(r, c.emptyTokenForm(kind, baseOf(&memberships[0])+"/tokens"))
	}
	return c.render(r, "tokensplace", page{Title: "New Token", Body: p})
}

// membershipsByID are those of who has signed in.
func membershipsByID(list []store.Membership) map[uuid.UUID]*store.Membership {
	out := make(map[uuid.UUID]*store.Membership, len(list))
	for i := range list {
		out[list[i].ID] = &list[i]
	}
	return out
}

// advice is what confirming the end of a credential says beside it.
func (f family) advice() string {
	if strings.HasSuffix(f.Base, "/integrations") || strings.HasSuffix(f.Base, "/keys") {
		return "To change the value without an interruption, rotate the " + f.Word + " instead."
	}
	return "Is it in use? Make its replacement first, update all that holds it, and delete this one last: whatever still has it fails at its next run."
}
