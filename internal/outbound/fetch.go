package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// fetchTimeout bounds one look at a document, from dialling to its last byte.
const fetchTimeout = 5 * time.Second

// Fetcher reads documents that strangers keep, such as the keys of an issuer.
// It goes where webhook.Targets lets it, follows no redirect, knows no proxy and
// sends nothing but the request and what its caller gives it. Make one with NewFetcher.
type Fetcher struct{ poster *Poster }

// NewFetcher makes a Fetcher that introduces itself as an agent.
func NewFetcher(targets webhook.Targets, agent string) *Fetcher {
	return &Fetcher{&Poster{targets: targets, agent: agent, timeout: fetchTimeout}}
}

// Question is a request for a document.
type Question struct {
	URL           string
	Form          string // posted; empty for a GET
	Authorization string // empty for none
}

// Fetch reads a document of at most so many bytes, within five seconds.
func (f *Fetcher) Fetch(ctx context.Context, address string, most int) ([]byte, error) {
	status, body, err := f.Ask(ctx, Question{URL: address}, most)
	if err == nil && status != http.StatusOK {
		return nil, ErrNoAnswer(fmt.Sprintf("it answered %d", status))
	}
	return body, err
}

// Ask is Fetch of a document that is the answer to a question, whatever its
// status is.
func (f *Fetcher) Ask(ctx context.Context, q Question, most int) (status int, body []byte, err error) {
	u, err := url.Parse(q.URL)
	if err != nil {
		return 0, nil, ErrNoAnswer("the URL can't be read")
	}
	if _, err := f.poster.targets.CheckURL("url", q.URL); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.poster.timeout)
	defer cancel()
	request, err := f.request(ctx, q)
	if err != nil {
		return 0, nil, ErrNoAnswer("the URL can't be read")
	}
	response, err := f.poster.transport(u.Hostname()).RoundTrip(request)
	if err != nil {
		return 0, nil, unanswered(ctx, err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	switch {
	case err != nil:
		return 0, nil, unanswered(ctx, err)
	case len(body) > most:
		return 0, nil, errors.New("the document is too large")
	}
	return response.StatusCode, body, nil
}

func (f *Fetcher) request(ctx context.Context, q Question) (*http.Request, error) {
	method := http.MethodGet
	if q.Form != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, q.URL, strings.NewReader(q.Form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", f.poster.agent)
	if q.Form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.Authorization != "" {
		request.Header.Set("Authorization", q.Authorization)
	}
	return request, nil
}
