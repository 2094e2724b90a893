package betahub

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// verified is what a token is good for.
type verified struct {
	Valid     bool             `json:"valid"`
	TokenType string           `json:"token_type"`
	User      *verifiedUser    `json:"user,omitempty"`
	Project   *verifiedProject `json:"project,omitempty"`
	ExpiresAt *time.Time       `json:"expires_at,omitempty"`
}

type verifiedUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type verifiedProject struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// invalid is the body of an error here.
type invalid struct {
	Valid bool `json:"valid"`
	problem
}

// writeInvalid shapes an error: of a credential it says that it isn't valid.
func writeInvalid(w http.ResponseWriter, f edge.Failure, requestID string) {
	if f.Status != http.StatusUnauthorized {
		writeError(w, f, requestID)
		return
	}
	writeBody(w, f, invalid{false, problemOf(f)})
}

// verify takes no body, though clients may say that there is one.
func (h *handlers) verify(r *edge.Request, _ struct{}) (out verified, err error) {
	p, c := &r.Principal, r.Principal.Credential
	if c == nil {
		return out, credential.Errorf(credential.Unauthenticated, "the operator acts without a credential")
	}
	out = verified{Valid: true, TokenType: "jwt"}
	switch {
	case p.Token == nil && c.Scheme.Name == "betahub_pat":
		out.TokenType = "personal_access_token"
	case p.Token == nil && c.Scheme.Name == "betahub_project_token":
		out.TokenType = "project_auth_token"
	}
	if !c.ExpiresAt.IsZero() {
		out.ExpiresAt = &c.ExpiresAt
	}
	if p.Token != nil {
		out.ExpiresAt = &p.Token.ExpiresAt
	}
	if p.SubjectType == credential.SubjectUser {
		user, err := h.workspace.Profile(r.Context(), p)
		if err != nil {
			return out, err
		}
		out.User = &verifiedUser{user.Name, user.Email}
	}
	if p.ProjectScoped() != uuid.Nil {
		project, err := h.workspace.OwnProject(r.Context(), p)
		if err != nil {
			return out, err
		}
		out.Project = &verifiedProject{projectID(project.Number), project.Name}
	}
	return out, nil
}
