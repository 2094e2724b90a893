package console

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// family is a kind of credential that has pages of its own.
type family struct {
	Title, Base string // of the page that lists it
	Acts        string // where the pages of one begin
	Word        string // for one of them
	End         string // what ending one is called there
	deed        string // what is said when it is done
	managers    bool   // whether owners and admins alone look after it
	schemes     []string
	owner       credential.OwnerType
	project     *store.Project // whose it is; nil for none
	place       *place
}

// has reports whether a credential is one of the family.
func (f *family) has(c *credential.Credential) bool {
	if f.project != nil && c.Project != f.project.ID {
		return false
	}
	return c.Scheme.Owner == f.owner && (f.schemes == nil || slices.Contains(f.schemes, c.Scheme.Name))
}

// familyOf tells by the path which pages a request is of.
func (c *console) familyOf(r *edge.Request) (family, error) {
	switch at := strings.TrimPrefix(r.URL.Path, base(r)); {
	case below(at, "/integrations"):
		return family{Title: "Integrations", Base: base(r) + "/integrations", Acts: base(r) + "/integrations", Word: "client", End: "delete", deed: "deleted", managers: true,
			schemes: []string{"betatesting_client", "betatesting_static"}, owner: credential.OwnedByOrganization}, nil
	case below(at, "/tokens"):
		return family{Title: "API tokens", Base: accountTokens, Acts: base(r) + "/tokens", Word: "token", End: "delete", deed: "deleted", owner: credential.OwnedByUser}, nil
	case below(at, "/personal"):
		return family{Title: "My tokens", Base: base(r) + "/keys/personal", Acts: base(r) + "/personal", Word: "token", End: "delete", deed: "deleted", owner: credential.OwnedByUser}, nil
	case r.PathValue("project") != "":
		project, place, err := c.projectOf(r)
		if err != nil {
			return family{}, err
		}
		to := place.Base + "/credentials"
		return family{Title: "Credentials", Base: to, Acts: to, Word: "key", End: "delete", deed: "deleted", owner: credential.OwnedByProject, project: project, place: place}, nil
	}
	return family{Title: "API keys", Base: base(r) + "/keys", Acts: base(r) + "/keys", Word: "key", End: "revoke", deed: "revoked", managers: true,
		schemes: bunshipSchemes(), owner: credential.OwnedByOrganization}, nil
}

// find finds the credential in the path, which must be of the page's family.
func (c *console) find(r *edge.Request) (*authority.Detail, family, error) {
	f, err := c.familyOf(r)
	if err == nil && f.managers {
		err = manages(r)
	}
	if err != nil {
		return nil, f, err
	}
	missing := credential.Errorf(credential.NotFound, "no such credential")
	id, err := uuid.Parse(r.PathValue("credential"))
	if err != nil || id.String() != r.PathValue("credential") {
		return nil, f, missing
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return nil, f, err
	}
	if d.Credential == nil || !f.has(d.Credential) || d.Credential.Organization != r.Principal.Organization {
		return nil, f, missing
	}
	return d, f, nil
}

// rowIn is a credential as the pages of its family show it.
func (c *console) rowIn(r *edge.Request, d *authority.Detail, f *family) row {
	out := c.rowOf(d, f.Acts)
	if f.End == "delete" && out.State == credential.Revoked {
		out.Chip.Word = "Deleted"
	}
	out.Own = d.Credential.User == uuid.Nil || d.Credential.User == r.Principal.Subject
	switch f.owner {
	case credential.OwnedByUser:
		out.Again = f.Acts + "/new?from=" + out.ID
	case credential.OwnedByProject:
		out.Again = f.Acts + "/new?from=" + out.ID
	default:
		if f.End == "revoke" {
			out.Again = f.Acts + "/new?from=" + out.ID
		}
	}
	if !out.Own || !r.Principal.Permissions.Has(credential.CredentialsWrite) {
		out.Again = ""
	}
	return out
}

func bunshipSchemes() []string { return []string{"bunship_live", "bunship_test"} }

// schemeTitles are what the pages call the schemes that people make by hand.
var schemeTitles = map[string]string{
	"betahub_pat": "BetaHub", "testkase_pat": "TestKase", "betahub_project_token": "BetaHub project token", "onetest_key": "OneTest API key",
	"betatesting_client": "OAuth2 client", "betatesting_static": "Static token", "bunship_live": "API key", "bunship_test": "API key", "gatehouse_key": "Gatehouse key",
}

// schemeTitle is what the pages call a scheme.
func schemeTitle(name string) string {
	if title := schemeTitles[name]; title != "" {
		return title
	}
	return name
}
