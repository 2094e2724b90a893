package api

import "time"

// Claim is a claim that an identity token must have.
type Claim struct {
	Name  string `json:"name"`
	Value string `json:"value" doc:"the whole of it; truth values and whole numbers as they are written"`
}

// CreateTrustRule lets the CI jobs of a repository in without a secret.
type CreateTrustRule struct {
	Name         string   `json:"name" doc:"1 to 100 characters"`
	Provider     string   `json:"provider" enum:"github,gitlab,other" doc:"in whose words the tokens speak"`
	Issuer       string   `json:"issuer,omitzero" format:"uri" doc:"what iss of the tokens is; absent: that of github.com or gitlab.com"`
	Audience     string   `json:"audience,omitzero" doc:"what aud of the tokens holds; absent: the public URL of this installation"`
	RepositoryID string   `json:"repository_id,omitzero" doc:"GitHub's repository_id or GitLab's project_id, which stays when the repository is renamed; needed for both"`
	OwnerID      string   `json:"owner_id,omitzero" doc:"GitHub's repository_owner_id, GitLab's namespace_id"`
	Branch       string   `json:"branch,omitzero" doc:"name or pattern: * is anything but a slash, ** anything"`
	Tag          string   `json:"tag,omitzero" doc:"name or pattern; with a branch as well, either is let in"`
	Environment  string   `json:"environment,omitzero" doc:"of the job"`
	Protected    bool     `json:"protected,omitzero" doc:"only from branches and tags that are protected"`
	PullRequests bool     `json:"pull_requests,omitzero" doc:"also what pull requests run, which strangers can open; not together with a branch or tag"`
	Claims       []Claim  `json:"claims,omitzero" doc:"further claims, up to 16; for other issuers at least one"`
	Scopes       []string `json:"scopes" doc:"what the access tokens may do, such as results:write"`
	ExpiresAt    string   `json:"expires_at,omitzero" doc:"RFC 3339 with a zone; this or expires_in"`
	ExpiresIn    string   `json:"expires_in,omitzero" doc:"such as 90d"`
}

// UpdateTrustRule changes a rule. What is absent stays, what is empty asks for
// nothing any more.
type UpdateTrustRule struct {
	Name         *string  `json:"name,omitzero"`
	Audience     *string  `json:"audience,omitzero"`
	OwnerID      *string  `json:"owner_id,omitzero"`
	Branch       *string  `json:"branch,omitzero"`
	Tag          *string  `json:"tag,omitzero"`
	Environment  *string  `json:"environment,omitzero"`
	Protected    *bool    `json:"protected,omitzero"`
	PullRequests *bool    `json:"pull_requests,omitzero"`
	Claims       *[]Claim `json:"claims,omitzero"`
}

// TrustRule is a rule as it is shown. It is a credential of the project that
// nobody has a secret of: its id is that of the credential.
type TrustRule struct {
	ID           string     `json:"id" format:"uuid" doc:"of the credential that the access tokens stand on"`
	Name         string     `json:"name"`
	Project      string     `json:"project" format:"uuid"`
	Provider     string     `json:"provider" enum:"github,gitlab,other"`
	Issuer       string     `json:"issuer" format:"uri"`
	Audience     string     `json:"audience" doc:"what aud of the tokens must hold"`
	RepositoryID string     `json:"repository_id,omitzero"`
	OwnerID      string     `json:"owner_id,omitzero"`
	Branch       string     `json:"branch,omitzero"`
	Tag          string     `json:"tag,omitzero"`
	Environment  string     `json:"environment,omitzero"`
	Protected    bool       `json:"protected,omitzero"`
	PullRequests bool       `json:"pull_requests,omitzero"`
	Claims       []Claim    `json:"claims,omitzero"`
	Scopes       []string   `json:"scopes" doc:"they never change"`
	State        string     `json:"state" enum:"active,suspended,expired" doc:"of the credential"`
	CreatedAt    time.Time  `json:"created_at"`
	CreatedBy    string     `json:"created_by"`
	ExpiresAt    *time.Time `json:"expires_at,omitzero"`
	LastUsedAt   *time.Time `json:"last_used_at,omitzero"`
	Version      string     `json:"version" doc:"tells one state of it from the next, but for its use: what If-Match takes"`
}

// ETag is what If-Match takes.
func (t TrustRule) ETag() string { return t.Version }
