package openapi

import "github.com/gatehouse-dev/gatehouse/internal/edge"

const about = "Issues, verifies, rotates, revokes and audits API keys and access tokens.\n\n" +
	"Bodies are JSON objects, those of OAuth2 forms, and that of an import is one object a line. Unknown members and query parameters are refused, and a path has one spelling: " +
	"anything else is a 404. A method that a path doesn't take is a 405, with those that it takes in the header Allow. " +
	"A fault of the server itself is a 500 with the code internal. Every answer has the header X-Request-Id, by which the log and the audit know the call."

// tags returns the groups of operations. A path is of the one that names the
// most of it.
func tags() []tag {
	return []tag{
		{"Verification", "What services ask about the secrets that they are sent.", []string{"/v1/verify", "/v1/revoke"}},
		{"Credentials", "Issue, look after and end credentials.", []string{"/v1/credentials", "/v1/credential-revocations", "/v1/organizations/{organization}/import", "/v1/organizations/{organization}/unused-credentials"}},
		{"Oneself", "What any credential that works may ask and do.", []string{"/v1/self", "/v1/schemes"}},
		{"Organizations", "The isolation boundaries that credentials live in.", []string{"/v1/organizations"}},
		{"Members", "Who is in an organization, in which role.", []string{"/v1/organizations/{organization}/members", "/v1/organizations/{organization}/service-users", "/v1/organizations/{organization}/invitations", "/v1/invitations"}},
		{"Single sign-on", "By which OpenID Connect provider the people of an organization sign in.", []string{"/v1/organizations/{organization}/sign-in-provider"}},
		{"Projects", "What work belongs to, and who works on it.", []string{"/v1/organizations/{organization}/projects"}},
		{"Test runs", "Results of tests, in runs and by test.", []string{"/v1/organizations/{organization}/projects/{project}/runs", "/v1/organizations/{organization}/projects/{project}/tests"}},
		{"Budgets and usage", "How many coins may be spent in a week, what was, and the proof that it adds up.", []string{"/v1/organizations/{organization}/budgets", "/v1/spends", "/v1/ledger", "/v1/usage"}},
		{"Webhooks", "Endpoints that are told of events, and what they were told.", []string{"/v1/organizations/{organization}/webhooks"}},
		{"Users", "Users of the installation, whatever organizations they are in.", []string{"/v1/users"}},
		{"Audit", "What was done, and the proof that nothing is missing.", []string{"/v1/audit"}},
		{"Usage", "What credentials were used for, and what was paid.", []string{"/v1/usage"}},
		{"Signing keys", "The keys that sign access tokens.", []string{"/v1/signing-keys"}},
		{"Root keys", "The keys behind everything that is stored, while one takes the place of another.", []string{"/v1/root-keys"}},
		{"Console", "How the operator comes into the console.", []string{"/v1/console-codes"}},
		{"OAuth2", "Access tokens for clients, by the RFCs.", []string{"/oauth2/", "/.well-known/", "/api/external/"}},
		{"Set-up", "The first owner.", []string{"/v1/setup"}},
		{"Health", "For load balancers.", []string{"/healthz", "/readyz"}},
	}
}

// named describes a part of a path or a query. One name means one thing.
type named struct {
	about string
	schema
}

func parameters() map[string]named {
	zero, one, first, most, usual := 0, 1, 1, edge.MaxPage, edge.DefaultPage
	text, whole := schema{Type: "string"}, schema{Type: "integer", Minimum: &one, Maximum: &most, Default: &usual}
	return map[string]named{
		"id":             {"id of the credential", schema{Type: "string", Format: "uuid"}},
		"organization":   {"organization: UUID, org_… or its number", text},
		"project":        {"project: UUID, pr-… or PRJ-…", text},
		"user":           {"user: UUID, usr_… or e-mail address", text},
		"virtual":        {"id of the virtual user", schema{Type: "string", Format: "uuid"}},
		"budget":         {"id of what has the budget: the organization, a project or a credential", schema{Type: "string", Format: "uuid"}},
		"spend":          {"id of the spend, as the decision has it", schema{Type: "string", Format: "uuid"}},
		"session":        {"id of the session", text},
		"run":            {"test run: UUID, or its number in the project", text},
		"upload":         {"name of the upload: 1 to 100 of A-Z, a-z, 0-9, dot, _ and -", text},
		"batch":          {"number of the batch, from 1", schema{Type: "integer", Format: "int64", Minimum: &first}},
		"file":           {"number of the file in its project", schema{Type: "integer", Format: "int64", Minimum: &first}},
		"test":           {"id of the test", schema{Type: "string", Format: "uuid"}},
		"status":         {"of a run: in_progress, passed, failed or interrupted; of a result or a test: passed, failed, error, skipped, blocked or ignored", text},
		"branch":         {"of what was tested", text},
		"commit":         {"of what was tested", text},
		"name":           {"of the run", text},
		"cycle":          {"test cycle, such as TCYCLE-5", text},
		"matched":        {"whether the result stands for a test case", schema{Type: "boolean"}},
		"flaky":          {"true: only what is flaky", schema{Type: "boolean"}},
		"q":              {"stands in the name or the class of the test, up to 200 characters", text},
		"invitation":     {"id of the invitation", text},
		"rule":           {"id of the trust rule, which is that of its credential", schema{Type: "string", Format: "uuid"}},
		"webhook":        {"id of the webhook", text},
		"delivery":       {"id of the delivery: del_…", text},
		"action":         {"of the event; one that ends in a dot is all that begin so", text},
		"actor":          {"of the event: who did it", text},
		"subject":        {"of the event: on whose behalf", text},
		"target":         {"of the event: what it was done to", text},
		"since":          {"from this time on", schema{Type: "string", Format: "date-time"}},
		"until":          {"before this time", schema{Type: "string", Format: "date-time"}},
		"for":            {"how long nobody has used it, such as 90d", text},
		"limit":          {"how many items a page has at most", whole},
		"cursor":         {"next_cursor of the page before, with the same filters", text},
		"from":           {"the first day (UTC), 29 days before the last unless said", schema{Type: "string", Format: "date"}},
		"to":             {"the last day (UTC), today unless said", schema{Type: "string", Format: "date"}},
		"by":             {"what it is told apart by: one or two of day, credential, project, resource and outcome, with a comma between them; day unless said", text},
		"credential_id":  {"id of a credential", schema{Type: "string", Format: "uuid"}},
		"resource":       {"method and route, or what the caller of a verification named", text},
		"operation":      {"sort of call, such as service_call, rest_api_read or rest_api_write", text},
		"outcome":        {"code of a decision, or 2xx, 3xx, 4xx or 5xx", text},
		"scheme":         {"name of a scheme", text},
		"state":          {"of the credential", schema{Type: "string", Enum: []string{"active", "suspended", "expired", "revoked"}}},
		"format":         {"of the export; otherwise the header Accept says it", schema{Type: "string", Enum: []string{"jsonl", "csv"}}},
		"before":         {"sequence of the last event of the page before", schema{Type: "integer", Format: "int64", Minimum: &zero}},
		"after":          {"sequence of the last event of the page before", schema{Type: "integer", Format: "int64", Minimum: &zero}},
		"dry_run":        {"true: only say what would become of each line", schema{Type: "boolean"}},
		"all_or_nothing": {"true: import nothing if any line is refused", schema{Type: "boolean"}},
	}
}

// The shared parameters, by their names as components.
func shared() ordered[parameter] {
	return ordered[parameter]{
		{"IdempotencyKey", parameter{Name: "Idempotency-Key", In: "header", Schema: &schema{Type: "string"},
			Description: "1 to 255 printable ASCII characters. A repeat with the same key and body within 24 hours makes nothing more"}},
		{"IfMatch", parameter{Name: "If-Match", In: "header", Schema: &schema{Type: "string"},
			Description: "the ETag of the state that the caller knows: of any other nothing is changed (RFC 9110 section 13.1.1)"}},
		{"Organization", parameter{Name: "Gatehouse-Organization", In: "header", Schema: &schema{Type: "string"},
			Description: "for users who have signed in: the organization to act in, by UUID, org_… or its number"}},
	}
}

func headers() ordered[header] {
	return ordered[header]{
		{"RequestId", header{Description: "names the call in logs and audit events", Schema: &schema{Type: "string"}}},
		{"RetryAfter", header{Description: "seconds until a repeat makes sense", Schema: &schema{Type: "integer"}}},
		{"RateLimitPolicy", header{Description: "which limit it is, how many requests (q) it allows and in how many seconds (w); on every answer to a limited credential", Schema: &schema{Type: "string"}}},
		{"RateLimit", header{Description: "how many of them are left (r) for how many seconds (t); on every answer to a limited credential", Schema: &schema{Type: "string"}}},
		{"Challenge", header{Description: "what is wrong with the caller's credential (RFC 6750 section 3)", Schema: &schema{Type: "string"}}},
	}
}

// The ways of presenting a credential.
const (
	byBearer = "bearer"
	byHeader = "apiKey"
	byClient = "client"
)

func securitySchemes() ordered[securityScheme] {
	return ordered[securityScheme]{
		{byBearer, securityScheme{Type: "http", Scheme: "bearer", Description: "a credential or an access token"}},
		{byHeader, securityScheme{Type: "apiKey", In: "header", Name: "X-API-Key", Description: "a credential of a scheme that says so"}},
		{byClient, securityScheme{Type: "http", Scheme: "basic", Description: "an OAuth2 client: client_id and secret; both may stand in the form instead"}},
	}
}
