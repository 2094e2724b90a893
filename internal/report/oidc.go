package report

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// oneMinute before its end a token is traded for a new one.
const oneMinute = time.Minute

// exchange trades the identity that the CI system gives this job for a token.
// What may pass is tried again, each time with another identity token: one is
// traded once.
func (s *sending) exchange(ctx context.Context) error {
	web := &http.Client{Transport: s.transport()}
	for n := 0; ; n++ {
		token, expires, err := s.trade(ctx, web)
		if err == nil {
			s.Token, s.expires = token, expires
			return nil
		}
		if errors.Is(err, ErrNoIdentity) {
			return wrong("--oidc: %v", err)
		}
		if code := codeOf(err); code == Rejected || n == mostRepeats {
			if code == Rejected && s.tradesOnce() {
				err = fmt.Errorf("%w; %s", err, whereTradedOnce)
			}
			return err
		}
		wait := min(longestWait, time.Second<<n)
		s.waits(err, wait)
		if err := s.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// whereTradedOnce says what to do where a job has one identity token.
const whereTradedOnce = "this job was given one identity token, and one is traded once: for another report run the job again, or have it get a new token"

// tradesOnce reports whether the job has one identity token and can't ask for
// another.
func (j *job) tradesOnce() bool { return j.OIDC && givenToken(j.Getenv) != "" }

func (s *sending) trade(ctx context.Context, web *http.Client) (string, time.Time, error) {
	identity, err := IDToken(ctx, s.Getenv, web, first(s.Audience, s.url))
	if err != nil {
		return "", time.Time{}, err
	}
	return Exchange(ctx, web, s.url, Trade{IDToken: identity, Project: s.Project, Now: s.Now()})
}

func (s *sending) sleep(ctx context.Context, d time.Duration) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew trades for a new token before the one that was traded ends.
func (s *sending) renew(ctx context.Context) error {
	now := s.Now()
	switch {
	case !s.OIDC, now.Before(s.expires.Add(-oneMinute)), s.tradesOnce() && now.Before(s.expires):
		return nil
	case s.tradesOnce():
		return &Refused{Status: http.StatusUnauthorized, Code: "ended", Description: "the access token that it was traded for has ended; " + whereTradedOnce}
	}
	if err := s.exchange(ctx); err != nil {
		return err
	}
	s.client = s.newClient()
	return nil
}
