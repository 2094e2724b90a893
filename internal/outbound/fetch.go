package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// fetchTimeout bounds one look at a document, from dialling to its last byte.
const fetchTimeout = 5 * time.Second

// Fetcher reads documents that strangers keep, such as the keys of an issuer.
// It goes where webhook.Targets lets it, follows no redirect, knows no proxy and
// sends nothing but the request. Make one with NewFetcher.
type Fetcher struct{ poster *Poster }

// NewFetcher makes a Fetcher that introduces itself as an agent.
func NewFetcher(targets webhook.Targets, agent string) *Fetcher {
	return &Fetcher{&Poster{targets: targets, agent: agent, timeout: fetchTimeout}}
}

// Fetch reads a document of at most so many bytes, within five seconds.
func (f *Fetcher) Fetch(ctx context.Context, address string, most int) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, ErrNoAnswer("the URL can't be read")
	}
	if _, err := f.poster.targets.CheckURL("url", address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.poster.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, ErrNoAnswer("the URL can't be read")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", f.poster.agent)
	response, err := f.poster.transport(u.Hostname()).RoundTrip(request)
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, ErrNoAnswer(fmt.Sprintf("it answered %d", response.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, unanswered(ctx, err)
	case len(body) > most:
		return nil, errors.New("the document is too large")
	}
	return body, nil
}
