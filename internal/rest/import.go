package rest

import (
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

func (h *handlers) importCredentials(r *edge.Request, in []edge.Line[api.ImportLine]) (out api.ImportReport, err error) {
	req := authority.ImportRequest{Lines: make([]authority.ImportLine, len(in))}
	if req.Organization, err = h.organization(r); err != nil {
		return out, err
	}
	if req.DryRun, err = flag(r, "dry_run"); err != nil {
		return out, err
	}
	if req.AllOrNothing, err = flag(r, "all_or_nothing"); err != nil {
		return out, err
	}
	for i, line := range in {
		req.Lines[i] = importLine(line)
	}
	results, err := h.authority.Import(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out = api.ImportReport{DryRun: req.DryRun, Lines: make([]api.ImportedLine, len(in))}
	for i, result := range results {
		out.Lines[i] = importedLine(in[i].Number, result)
		*map[authority.ImportResult]*int{
			authority.ImportDone: &out.Imported, authority.ImportExisting: &out.Existing,
			authority.ImportRefused: &out.Refused, authority.ImportSkipped: &out.Skipped,
		}[result.Result]++
	}
	return out, nil
}

// flag reads a parameter that is true or false.
func flag(r *edge.Request, name string) (bool, error) {
	switch r.Param(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, credential.InvalidField(name, "must be true or false")
}

// importLine turns the texts of a line into values. What is wrong with them is
// an error of the line.
func importLine(in edge.Line[api.ImportLine]) (out authority.ImportLine) {
	if out.Err = in.Err; out.Err != nil {
		return out
	}
	v := in.Value
	out.IssueRequest = authority.IssueRequest{Scheme: v.Scheme, Name: v.Name, Addresses: v.AllowedAddresses, RateLimit: v.RateLimit}
	out.Secret = v.Secret
	if v.Scopes != nil {
		out.Scopes = scopes(v.Scopes)
	}
	out.Err = readImport(&out, v)
	return out
}

func readImport(out *authority.ImportLine, v api.ImportLine) (err error) {
	if v.SHA256 != "" {
		if out.Digest, err = credential.ParseDigest("sha256", v.SHA256); err != nil {
			return err
		}
	}
	if v.Project != "" {
		ref, err := parseProject("project", v.Project)
		if err != nil {
			return err
		}
		out.Project = &ref
	}
	if v.User != "" {
		ref, err := parseUser("user", v.User)
		if err != nil {
			return err
		}
		out.User = &ref
	}
	if v.NotBefore != "" {
		if out.NotBefore, err = credential.ParseTime("not_before", v.NotBefore); err != nil {
			return err
		}
	}
	out.Expiry, err = expiry(v.ExpiresAt, v.ExpiresIn)
	return err
}

func importedLine(number int, r authority.Imported) api.ImportedLine {
	out := api.ImportedLine{Line: number, Result: string(r.Result)}
	if r.Credential != uuid.Nil {
		out.Credential = r.Credential.String()
	}
	var e *credential.Error
	if errors.As(r.Err, &e) {
		out.Code, out.Detail, out.Field = string(e.Kind), e.Detail, e.Field
	}
	return out
}
