package authority

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ReportLifetime is how long the token of a report works.
const ReportLifetime = 24 * time.Hour

// reportHeader begins the token of a report, a JWT that this server alone
// verifies: by a key derived from the root key, which outlives signing keys.
var reportHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"report+jwt"}`)) + "."

// reportClaims say which report a token completes, and what it stands on.
type reportClaims struct {
	Report     uuid.UUID `json:"sub"`
	Credential uuid.UUID `json:"cid"`
	Generation int       `json:"gen"`
	IssuedAt   int64     `json:"iat"`
	ExpiresAt  int64     `json:"exp"`
}

// ReportToken makes the token by which whoever reported something completes
// it, since it was reported. It stands on the project's credential that did so,
// and may do nothing else. The same report has the same token.
func (a *Authority) ReportToken(p *credential.Principal, report uuid.UUID, since time.Time) (credential.Secret, error) {
	if p.SubjectType != credential.SubjectProject || p.Token != nil {
		return credential.Secret{}, credential.Errorf(credential.Forbidden, "only a project's credential gets a token for what it reports")
	}
	claims, err := json.Marshal(reportClaims{report, p.Credential.ID, p.Generation, since.Unix(), since.Add(ReportLifetime).Unix()})
	if err != nil {
		return credential.Secret{}, err
	}
	signed := reportHeader + base64.RawURLEncoding.EncodeToString(claims)
	return credential.NewSecret(signed + "." + signReport(a.store.Root(), signed)), nil
}

// signReport is HMAC with SHA-256 (RFC 7518 section 3.2), in base64url.
func signReport(root *seal.Root, signed string) string {
	mac := hmac.New(sha256.New, root.Derive(seal.Reports))
	mac.Write([]byte(signed))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// findReport verifies the token of a report and finds what it stands on.
func (a *Authority) findReport(ctx context.Context, text string) (found, error) {
	var claims reportClaims
	if code := a.readReport(text, &claims); code != "" {
		return found{code: code}, nil
	}
	token := &credential.Token{
		ID: "report:" + claims.Report.String(), Report: claims.Report,
		IssuedAt: time.Unix(claims.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(claims.ExpiresAt, 0).UTC(),
	}
	if !a.now().Before(token.ExpiresAt) {
		return found{code: credential.CodeExpired}, nil
	}
	standing, err := a.store.LookupToken(ctx, store.TokenRef{Credential: claims.Credential, Generation: claims.Generation, Mark: store.TokenMark(token.ID)})
	f, err := foundStanding(standing, err)
	if err != nil || f.code != "" {
		return f, err
	}
	return found{standing: f.standing.Narrowed(nil, uuid.Nil), token: token}, nil
}

// readReport checks the signature of a report's token before it reads it.
func (a *Authority) readReport(text string, claims *reportClaims) credential.Code {
	dot := strings.LastIndexByte(text, '.')
	for _, root := range a.store.Root().All() {
		if !hmac.Equal([]byte(text[dot+1:]), []byte(signReport(root, text[:dot]))) { // as it is written, so that it has one spelling
			continue
		}
		body, err := base64.RawURLEncoding.DecodeString(text[len(reportHeader):dot])
		if err != nil || json.Unmarshal(body, claims) != nil {
			return credential.CodeMalformed
		}
		return ""
	}
	return credential.CodeUnknown
}
