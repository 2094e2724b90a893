package authority

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// pair is what a refresh answers, as it is kept (sealed) in case that it is lost.
type pair struct {
	Token     string `json:"token"`
	Access    string `json:"access"`
	ExpiresAt int64  `json:"expires_at"` // Unix seconds
}

func errNoSession() error {
	return credential.Errorf(credential.Unauthenticated, "Invalid or expired refresh token")
}

// Refresh trades a session's token for a new one, and for an access token. For
// half a minute the same token gets the same answer again, unless that was
// used in its turn; any other token of before means that somebody else holds
// it too, and ends the session (RFC 9700 section 4.14.2).
func (a *Authority) Refresh(ctx context.Context, text string, from Origin) (*SignedIn, error) {
	handle, ok := credential.RefreshText.Handle(text)
	if !ok {
		return nil, errNoSession()
	}
	if _, err := a.keys(ctx); err != nil {
		return nil, err
	}
	var out *SignedIn
	var reused *store.Session
	err := a.store.Quietly(ctx, func(tx *store.Tx) (err error) {
		s, token, err := a.heldSession(ctx, tx, handle)
		if err != nil {
			return err
		}
		user, err := tx.User(ctx, s.User)
		if err != nil {
			return err
		}
		before, known := credential.LookupKeyFrom(token.Previous)
		switch now := a.clock(); {
		case s.Cookie || !s.Live(now) || !user.DeactivatedAt.IsZero():
			return errNoSession()
		case a.keyer.made(token.Secret, text):
			out, err = a.refresh(ctx, tx, s, text, from)
		case known && a.keyer.made(before, text) && len(token.Answer) > 0 && now.Sub(s.RefreshedAt) < retryWindow:
			out, err = a.answerAgain(s, token)
		default:
			reused = s
			return errNoSession()
		}
		if out != nil {
			out.User = user
		}
		return err
	})
	if reused != nil {
		err = errors.Join(a.endReused(ctx, reused, from), err)
	}
	return out, err
}

// heldSession reads the session of a token, which nobody else changes then.
func (a *Authority) heldSession(ctx context.Context, tx *store.Tx, handle string) (*store.Session, *store.SessionToken, error) {
	s, _, err := a.sessionBy(ctx, tx.SessionByHandle, handle)
	if errors.Is(err, credential.NotFound) {
		return nil, nil, errNoSession()
	}
	if err != nil {
		return nil, nil, err
	}
	if err := tx.HoldSession(ctx, s.ID); err != nil {
		return nil, nil, err
	}
	return a.sessionBy(ctx, tx.SessionByHandle, handle)
}

// refresh gives a session its next token.
func (a *Authority) refresh(ctx context.Context, tx *store.Tx, s *store.Session, text string, from Origin) (*SignedIn, error) {
	next, err := credential.RefreshText.Renew(a.rand, text)
	if err != nil {
		return nil, err
	}
	s.RefreshedAt = a.clock()
	s.IdleUntil = s.RefreshedAt.Add(SessionIdle)
	s.UserAgent = cleanAgent(from.UserAgent)
	if from.Address.IsValid() {
		s.Address = from.Address.String()
	}
	out := &SignedIn{Session: s, Token: next}
	if out.Access, err = a.signSession(s); err != nil {
		return nil, err
	}
	handle, _ := credential.RefreshText.Handle(text)
	token := a.sessionToken(handle, next.Reveal())
	plain, err := json.Marshal(pair{next.Reveal(), out.Access.Token.Reveal(), s.RefreshedAt.Truncate(time.Second).Add(out.Access.ExpiresIn).Unix()})
	if err != nil {
		return nil, fmt.Errorf("refresh a session: %w", err)
	}
	if token.Answer, err = a.store.Root().Seal(a.rand, answerRow(s), plain); err != nil {
		return nil, err
	}
	return out, tx.RefreshSession(ctx, s, token)
}

// answerRow names the row that a sealed answer belongs to.
func answerRow(s *store.Session) string { return "sessions " + s.ID.String() + " answer" }

// answerAgain repeats the answer to the refresh before.
func (a *Authority) answerAgain(s *store.Session, token *store.SessionToken) (*SignedIn, error) {
	plain, err := a.store.Root().Open(answerRow(s), token.Answer)
	if err != nil {
		return nil, err
	}
	var p pair
	if err := json.Unmarshal(plain, &p); err != nil {
		return nil, fmt.Errorf("read what a refresh answered: %w", err)
	}
	access := &AccessToken{
		Token: credential.NewSecret(p.Access), ExpiresIn: time.Unix(p.ExpiresAt, 0).Sub(a.now().Truncate(time.Second)),
		Scopes: []credential.Scope{credential.AllScope},
	}
	return &SignedIn{Session: s, Access: access, Token: credential.NewSecret(p.Token)}, nil
}

// endReused ends a session of which an old token was presented.
func (a *Authority) endReused(ctx context.Context, s *store.Session, from Origin) error {
	return a.store.Stop(ctx, uuid.Nil, func(tx *store.Tx) error {
		by := act{from.somebody(s.User), a.clock()}
		tx.Record(by.event("session.refresh_reuse", "session:"+s.ID.String(), "{}"))
		return endSessions(ctx, tx, by, ending{user: s.User, only: s.ID, because: "refresh_reuse"})
	})
}
