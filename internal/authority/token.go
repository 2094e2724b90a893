package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// AccessToken is a signed token that was just issued.
type AccessToken struct {
	Token     credential.Secret
	ExpiresIn time.Duration
	Scopes    []credential.Scope
}

// grant is what an access token is issued for: a standing, narrowed.
type grant struct {
	standing *credential.Standing
	scopes   []credential.Scope
	project  uuid.UUID
	lifetime time.Duration // 0: the longest
	notAfter time.Time     // of the token that this one is traded for
}

// sign issues the access token of a grant (RFC 9068 section 2.2). It never
// outlives what it stands on.
func (a *Authority) sign(ctx context.Context, g grant) (*AccessToken, error) {
	ring, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	id, err := a.newID()
	if err != nil {
		return nil, fmt.Errorf("issue an access token: %w", err)
	}
	c, moment := g.standing.Credential, a.now()
	now := moment.Truncate(time.Second) // as it is written in a token
	ends := now.Add(TokenLifetime)
	if g.lifetime > 0 {
		ends = now.Add(min(g.lifetime, TokenLifetime))
	}
	for _, bound := range []time.Time{g.notAfter, c.ExpiresAt, g.standing.Secret.EndsAt} {
		if !bound.IsZero() && bound.Before(ends) {
			ends = bound.Truncate(time.Second)
		}
	}
	claims := jwt.Claims{Subject: subjectOf(c), ClientID: clientOf(c), Scope: words(g.scopes), ID: id.String(), ExpiresAt: ends}
	if c.Scheme.Kind == credential.Session {
		claims.Session = c.ID.String()
	} else {
		claims.Credential, claims.Generation = c.ID.String(), g.standing.Secret.Generation
	}
	if g.project != uuid.Nil {
		claims.Projects = []string{g.project.String()}
	}
	text, err := ring.Sign(claims, moment)
	if err != nil {
		return nil, fmt.Errorf("issue an access token: %w", err)
	}
	return &AccessToken{credential.NewSecret(text), ends.Sub(now), g.scopes}, nil
}

// subjectOf is on whose behalf a credential acts (RFC 9068 section 2.2: for a
// client that acts for itself, the client).
func subjectOf(c *credential.Credential) string {
	switch {
	case c.ClientID != "":
		return c.ClientID
	case c.User != uuid.Nil:
		return c.User.String()
	case c.Project != uuid.Nil:
		return c.Project.String()
	case c.Organization != uuid.Nil:
		return c.Organization.String()
	}
	return c.ID.String()
}

// clientOf identifies who asked for a token. What is no OAuth2 client goes by
// the id of its credential, which is nobody's client_id.
func clientOf(c *credential.Credential) string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return c.ID.String()
}

func words(scopes []credential.Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = string(s)
	}
	return out
}

// found is what a presented text stands for.
type found struct {
	standing *credential.Standing
	token    *credential.Token
	code     credential.Code // why it stands for nothing; empty otherwise
}

// findToken verifies an access token and finds what it stands on.
func (a *Authority) findToken(ctx context.Context, text, organization string) (found, error) {
	if strings.HasPrefix(text, reportHeader) {
		return a.findReport(ctx, text)
	}
	claims, code, err := a.readToken(ctx, text)
	if err != nil || code != "" {
		return found{code: code}, err
	}
	f, err := a.findStanding(ctx, claims, organization)
	if err != nil || f.code != "" {
		return f, err
	}
	scopes := make([]credential.Scope, len(claims.Scope))
	for i, s := range claims.Scope {
		scopes[i] = credential.Scope(s)
	}
	project := uuid.Nil
	if len(claims.Projects) > 0 {
		if project, err = ParseID(claims.Projects[0]); err != nil || len(claims.Projects) > 1 {
			return found{code: credential.CodeMalformed}, nil
		}
	}
	token := &credential.Token{
		ID: claims.ID, IssuedAt: claims.IssuedAt, ExpiresAt: claims.ExpiresAt,
		SignedIn: claims.Session != "" && claims.ClientID == signedInClient,
	}
	return found{standing: f.standing.Narrowed(scopes, project), token: token}, nil
}

// findStanding reads the record that an access token stands on: a session, or
// one secret of a credential.
func (a *Authority) findStanding(ctx context.Context, claims *jwt.Claims, organization string) (found, error) {
	if claims.Session != "" {
		id, err := ParseID(claims.Session)
		if err != nil {
			return found{code: credential.CodeMalformed}, nil
		}
		return a.findSession(ctx, store.SessionRef{ID: id, Mark: store.TokenMark(claims.ID)}, organization)
	}
	id, err := ParseID(claims.Credential)
	if err != nil {
		return found{code: credential.CodeMalformed}, nil
	}
	standing, err := a.store.LookupToken(ctx, store.TokenRef{Credential: id, Generation: claims.Generation, Mark: store.TokenMark(claims.ID)})
	return foundStanding(standing, err)
}

// foundStanding makes a decision of what a lookup answered.
func foundStanding(standing *credential.Standing, err error) (found, error) {
	switch {
	case errors.Is(err, store.ErrEnded):
		return found{code: credential.CodeRevoked}, nil
	case errors.Is(err, credential.NotFound):
		return found{code: credential.CodeUnknown}, nil
	}
	return found{standing: standing}, err
}

// readToken checks signature, dates and claims. A key that isn't known may be
// one that another node has just made.
func (a *Authority) readToken(ctx context.Context, text string) (*jwt.Claims, credential.Code, error) {
	ring, err := a.keys(ctx)
	if err != nil {
		return nil, "", err
	}
	claims, err := ring.Verify(text, a.now())
	if errors.Is(err, jwt.UnknownKey) {
		if ring, err = a.readKeys(ctx, a.now().Add(-time.Second)); err != nil {
			return nil, "", err
		}
		claims, err = ring.Verify(text, a.now())
	}
	switch {
	case err == nil:
		return claims, "", nil
	case errors.Is(err, jwt.Expired):
		return nil, credential.CodeExpired, nil
	case errors.Is(err, jwt.NotYetValid):
		return nil, credential.CodeNotYetValid, nil
	case errors.Is(err, jwt.WrongAudience):
		return nil, credential.CodeAudience, nil
	case errors.Is(err, jwt.UnknownKey), errors.Is(err, jwt.BadSignature), errors.Is(err, jwt.WrongIssuer):
		return nil, credential.CodeUnknown, nil
	}
	return nil, credential.CodeMalformed, nil
}

// endToken ends one access token. What it stands on goes on.
func (a *Authority) endToken(ctx context.Context, p *credential.Principal, d *credential.Decision) error {
	now := a.clock()
	c, token := d.Standing.Credential, d.Principal.Token
	return a.store.Stop(ctx, c.Organization, func(tx *store.Tx) error {
		tx.Record(act{p, now}.event("token.revoke", targetOf(c), object(map[string]string{"jti": token.ID})))
		return tx.EndToken(ctx, store.TokenMark(token.ID), token.ExpiresAt)
	})
}
