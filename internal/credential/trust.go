package credential

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TrustRule is the kind of credential that nobody has a secret of: a workload
// shows an identity token of its CI instead, and gets an access token for it.
const TrustRule Kind = "trust_rule"

// trustScheme is what is true of all trust rules. No text is a secret of it,
// and nobody issues one but by making a rule, so that no list of schemes has it.
var trustScheme = newTrustScheme()

func newTrustScheme() *Scheme {
	reads, writes := work()
	known := map[Scope]PermissionSet{}
	for _, p := range (reads | writes | PermissionsOf(UsageRead)).List() {
		known[Scope(p)] = p.bit()
	}
	return &Scheme{
		Name: "trust_rule", Kind: TrustRule, Owner: OwnedByProject, Expiry: ExpiryOptional, Metered: true,
		Scopes: ScopeRule{Known: known},
	}
}

// TrustScheme is the scheme of trust rules.
func TrustScheme() *Scheme { return trustScheme }

// Provider says in whose words an identity token speaks.
type Provider string

// The providers.
const (
	GitHub        Provider = "github"
	GitLab        Provider = "gitlab"
	OtherProvider Provider = "other"
)

// Issuer is that of the provider's own service; empty where there is none.
func (p Provider) Issuer() string {
	switch p {
	case GitHub:
		return "https://token.actions.githubusercontent.com"
	case GitLab:
		return "https://gitlab.com"
	}
	return ""
}

// Bounds of a trust rule.
const (
	maxTrustClaims = 16
	maxClaimName   = 128
	maxClaimValue  = 1024
	maxPattern     = 255
	maxStars       = 8
)

// Trust is what an identity token must say for a rule to let it in. What is
// empty asks for nothing; the repository is never empty for GitHub and GitLab.
type Trust struct {
	Provider     Provider          `json:"provider"`
	Issuer       string            `json:"issuer"`
	Audience     string            `json:"audience,omitzero"` // empty: the installation
	Repository   string            `json:"repository_id,omitzero"`
	Owner        string            `json:"owner_id,omitzero"`
	Branch       string            `json:"branch,omitzero"` // a pattern
	Tag          string            `json:"tag,omitzero"`    // a pattern
	Environment  string            `json:"environment,omitzero"`
	Protected    bool              `json:"protected,omitzero"`     // the branch or tag is
	PullRequests bool              `json:"pull_requests,omitzero"` // are let in as well
	Claims       map[string]string `json:"claims,omitempty"`
}

// Check refuses a rule that would let in more than somebody can have meant. The
// issuer is checked by who knows where requests may go.
func (t *Trust) Check() error {
	switch t.Provider {
	case GitHub, GitLab:
		if !isNumber(t.Repository) {
			how := "GitHub's repository_id: gh api repos/OWNER/NAME --jq .id"
			if t.Provider == GitLab {
				how = "GitLab's project ID, which stands on the project's page"
			}
			return InvalidField("repository_id", "must be the number of the repository, which stays when it is renamed: %s", how)
		}
		if t.Owner != "" && !isNumber(t.Owner) {
			return InvalidField("owner_id", "must be a number: GitHub's repository_owner_id, GitLab's namespace_id")
		}
	case OtherProvider:
		if field := t.foreign(); field != "" {
			return InvalidField(field, "is for github and gitlab; say in claims what another issuer's token must hold")
		}
		if t.Issuer == GitHub.Issuer() || t.Issuer == GitLab.Issuer() {
			return InvalidField("provider", "of this issuer's tokens is github or gitlab, which ask for a repository by its number")
		}
		if len(t.Claims) == 0 {
			return InvalidField("claims", "must name at least one claim by which the issuer tells your workloads from those of others")
		}
	default:
		return &Error{Kind: Invalid, Field: "provider", Detail: "must be github, gitlab or other", Allowed: []string{string(GitHub), string(GitLab), string(OtherProvider)}}
	}
	if t.PullRequests && (t.Branch != "" || t.Tag != "") {
		return InvalidField("pull_requests", "are of no branch and no tag: make a rule for them alone")
	}
	if t.Audience != "" && !isVisible(t.Audience, maxPattern) {
		return InvalidField("audience", "must be 1 to %d visible ASCII characters", maxPattern)
	}
	if err := cmp.Or(checkPattern("branch", t.Branch), checkPattern("tag", t.Tag)); err != nil {
		return err
	}
	if t.Environment != "" && (utf8.RuneCountInString(t.Environment) > maxPattern || !isPlain(t.Environment)) {
		return InvalidField("environment", "must be a name of at most %d characters", maxPattern)
	}
	return checkClaims(t.Claims)
}

// foreign is a field that says something only GitHub and GitLab can.
func (t *Trust) foreign() string {
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"repository_id", t.Repository != ""}, {"owner_id", t.Owner != ""}, {"branch", t.Branch != ""}, {"tag", t.Tag != ""},
		{"environment", t.Environment != ""}, {"protected", t.Protected}, {"pull_requests", t.PullRequests},
	} {
		if field.set {
			return field.name
		}
	}
	return ""
}

func checkPattern(field, pattern string) error {
	switch {
	case pattern == "":
		return nil
	case utf8.RuneCountInString(pattern) > maxPattern || !isPlain(pattern) || strings.Contains(pattern, " "):
		return InvalidField(field, "must be a name or a pattern of at most %d characters", maxPattern)
	case strings.HasPrefix(pattern, "refs/"):
		return InvalidField(field, "is written without refs/heads/ or refs/tags/ before it")
	case strings.Count(pattern, "*") > maxStars:
		return InvalidField(field, "may have at most %d stars", maxStars)
	}
	return nil
}

func checkClaims(claims map[string]string) error {
	if len(claims) > maxTrustClaims {
		return InvalidField("claims", "at most %d claims", maxTrustClaims)
	}
	for name, value := range claims {
		switch {
		case !isVisible(name, maxClaimName):
			return InvalidField("claims", "the name of a claim is 1 to %d visible ASCII characters", maxClaimName)
		case slices.Contains([]string{"iss", "aud", "exp", "nbf", "iat", "jti", "azp"}, name):
			return InvalidField("claims", "%s is checked anyway", name)
		case value == "" || utf8.RuneCountInString(value) > maxClaimValue || !isPlain(value):
			return InvalidField("claims", "the value of %s must be 1 to %d characters", name, maxClaimValue)
		}
	}
	return nil
}

func isNumber(text string) bool {
	return text != "" && len(text) <= 20 && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

func isVisible(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// Mismatch is the first condition that the claims of a verified token don't
// meet, or empty: then the rule lets it in. Claims are by name those that are
// texts, truth values or whole numbers, each as it is written.
func (t *Trust) Mismatch(claims map[string]string) string {
	switch t.Provider {
	case GitHub:
		if condition := t.mismatch(claims, gitHubClaims); condition != "" {
			return condition
		}
	case GitLab:
		if condition := t.mismatch(claims, gitLabClaims); condition != "" {
			return condition
		}
	case OtherProvider:
		if len(t.Claims) == 0 {
			return "claims"
		}
	default:
		return "provider"
	}
	for name, want := range t.Claims {
		if got, ok := claims[name]; !ok || got != want {
			return "claims"
		}
	}
	return ""
}

// claimNames are the words of a provider. Branches and tags stand in ref behind
// the prefixes.
type claimNames struct {
	repository, owner, event string
	branch, tag              string
	pull                     []string // what events of pull requests begin with
	hidden                   string   // an event behind which one of these may stand
}

var (
	gitHubClaims = claimNames{"repository_id", "repository_owner_id", "event_name", "refs/heads/", "refs/tags/", []string{"pull_request"}, ""}
	gitLabClaims = claimNames{"project_id", "namespace_id", "pipeline_source", "", "", []string{"merge_request", "external_pull_request"}, "parent_pipeline"}
)

func (t *Trust) mismatch(claims map[string]string, names claimNames) string {
	event := claims[names.event]
	pull := slices.ContainsFunc(names.pull, func(prefix string) bool { return strings.HasPrefix(event, prefix) }) ||
		event == names.hidden && (!t.Protected || claims["ref_protected"] != "true") // no stranger gets onto a protected branch
	switch {
	case t.Repository == "" || claims[names.repository] != t.Repository:
		return "repository"
	case t.Owner != "" && claims[names.owner] != t.Owner:
		return "owner"
	case event == "", pull && !t.PullRequests:
		return "event" // which strangers begin from a fork
	case (t.Branch != "" || t.Tag != "") && !t.onRef(claims, names):
		return "ref"
	case t.Protected && claims["ref_protected"] != "true":
		return "protected"
	case t.Environment != "" && claims["environment"] != t.Environment:
		return "environment"
	}
	return ""
}

// onRef reports whether a token is of a branch or tag that the rule names.
func (t *Trust) onRef(claims map[string]string, names claimNames) bool {
	branch, isBranch := strings.CutPrefix(claims["ref"], names.branch)
	tag, isTag := strings.CutPrefix(claims["ref"], names.tag)
	return t.Branch != "" && isBranch && claims["ref_type"] == "branch" && fits(t.Branch, branch) ||
		t.Tag != "" && isTag && claims["ref_type"] == "tag" && fits(t.Tag, tag)
}

// fits reports whether a name is as a pattern says: * is any characters but a
// slash, ** is any at all, and everything else is itself. An empty name fits no
// pattern.
func fits(pattern, name string) bool {
	if name == "" || len(name) > maxClaimValue {
		return false
	}
	// reached[i] says that what was read of the pattern can be the first i bytes.
	reached := make([]bool, len(name)+1)
	reached[0] = true
	for at := 0; at < len(pattern); at++ {
		next := make([]bool, len(name)+1)
		if pattern[at] != '*' {
			for i := range len(name) {
				next[i+1] = reached[i] && name[i] == pattern[at]
			}
			reached = next
			continue
		}
		slash := at+1 < len(pattern) && pattern[at+1] == '*'
		if slash {
			at++
		}
		for i := range len(name) + 1 {
			next[i] = reached[i] || i > 0 && next[i-1] && (slash || name[i-1] != '/')
		}
		reached = next
	}
	return reached[len(name)]
}
