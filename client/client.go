// Package client calls the native API of a Gatehouse server, and lets an HTTP
// service ask it about the credentials of its own callers. It hides how calls
// travel: encoding, paths, pages of lists, and which calls may be repeated.
//
// Invariants: a call is repeated only where that can't do a second thing; no
// redirect is followed; an error never holds a credential; whatever was not
// decided is not allowed.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 20

// Client calls one server with one credential. It is safe for concurrent use.
type Client struct {
	base    string
	token   string
	http    *http.Client
	options Options
}

// New makes a client for the server at base, such as "https://keys.example.com",
// that presents token. A nil transport is http.DefaultTransport. It makes every
// call once and sets it no time limit; NewWithOptions does better.
func New(base, token string, transport http.RoundTripper) *Client {
	return NewWithOptions(base, token, Options{Transport: transport, Retries: -1, Timeout: -1})
}

// NewWithOptions makes a client like New, which repeats calls where it may.
func NewWithOptions(base, token string, o Options) *Client {
	return &Client{
		base: strings.TrimRight(base, "/"), token: token,
		http: &http.Client{Transport: o.Transport, CheckRedirect: stay}, options: o.withDefaults(),
	}
}

// stay follows no redirect: nobody else answers for the server, and nobody
// else gets to see what it is asked about.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Call sends in (nil for no body) as JSON and decodes the answer into out (nil
// to ignore it). A refusal is an *api.Problem.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	return c.Do(ctx, Request{Method: method, Path: path, In: in, Out: out})
}

// Request is one call with everything that can be said of it.
type Request struct {
	Method, Path string
	In, Out      any
	// Lines is a body of JSON lines, instead of In.
	Lines []byte
	// Body makes a body of bytes for each attempt, instead of In: of Length
	// (0: not known), of the media type Type, and encoded as Encoding says, such
	// as gzip (empty: as it is).
	Body           func() (io.ReadCloser, error)
	Length         int64
	Type, Encoding string
	// IdempotencyKey makes the call repeatable when its answer is lost. Only
	// calls that make something take one; see NewIdempotencyKey.
	IdempotencyKey string
}

// Do makes a call. As often as the options allow, it repeats one that got no
// answer, or the answer that it may be tried again, if that is safe: GET, HEAD,
// PUT and DELETE, whatever has an IdempotencyKey, and an api.Verify without a
// cost. Every other call is made once: a POST that makes something needs an IdempotencyKey
// to be repeated. A DELETE that is repeated may find nothing left to delete.
func (c *Client) Do(ctx context.Context, call Request) error {
	return described(call, c.repeat(ctx, call))
}

// Open makes a call once and returns the body of its answer, which the caller
// reads and closes. It is for what may be too long for Do: it has no time limit
// but that of the context.
func (c *Client) Open(ctx context.Context, call Request) (io.ReadCloser, error) {
	body, failed := c.open(ctx, call)
	if failed != nil {
		return nil, described(call, failed.error)
	}
	return body, nil
}

// described says of which call an error is, unless the server has said it all.
func described(call Request, err error) error {
	var problem *api.Problem
	if err == nil || errors.As(err, &problem) {
		return err
	}
	return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
}

// request makes the HTTP request of an attempt.
func (c *Client) request(ctx context.Context, call Request) (*http.Request, error) {
	if call.Path == "" {
		return nil, errors.New("there is no path, or a name in it is empty or made of dots")
	}
	body, media, err := call.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.base+call.Path, body)
	if err != nil {
		return nil, err
	}
	if call.Length > 0 {
		req.ContentLength = call.Length
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if call.Encoding != "" {
		req.Header.Set("Content-Encoding", call.Encoding)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if call.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", call.IdempotencyKey)
	}
	if version, known := ctx.Value(ifMatch{}).(string); known && call.Method != http.MethodGet {
		req.Header.Set("If-Match", `"`+version+`"`)
	}
	return req, nil
}

// body makes the body of an attempt, nil for none, and says of which media type
// it is.
func (r Request) body() (io.Reader, string, error) {
	switch {
	case r.Body != nil:
		body, err := r.Body()
		return body, r.Type, err
	case r.Lines != nil:
		return bytes.NewReader(r.Lines), "application/x-ndjson", nil
	case r.In != nil:
		text, err := json.Marshal(r.In)
		return bytes.NewReader(text), "application/json", err
	}
	return nil, "", nil
}

type ifMatch struct{}

// IfMatch makes the changes that are made with ctx ones of the state that has a
// version, such as the Version of a Credential. Of any other state nothing is
// changed: the error has status 412 and the code precondition_failed.
func IfMatch(ctx context.Context, version string) context.Context {
	return context.WithValue(ctx, ifMatch{}, version)
}

// open makes one attempt at a call, and returns the body of its answer, which
// the caller closes.
func (c *Client) open(ctx context.Context, call Request) (io.ReadCloser, *failure) {
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, final(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unanswered(err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, unanswered(fmt.Errorf("read the answer: %w", err))
	}
	return nil, c.refused(resp, text)
}

// once makes one attempt at a call.
func (c *Client) once(ctx context.Context, call Request) *failure {
	if c.options.Attempt > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.Attempt)
		defer cancel()
	}
	body, failed := c.open(ctx, call)
	if failed != nil {
		return failed
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return unanswered(fmt.Errorf("read the answer: %w", err))
	}
	if call.Out == nil {
		return nil
	}
	if err := json.Unmarshal(text, call.Out); err != nil {
		return final(fmt.Errorf("read the answer: %w", err))
	}
	return nil
}
