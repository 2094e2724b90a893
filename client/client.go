// Package client calls the native API of a Gatehouse server.
package client

import (
	"bytes"
	"context"
	"encoding/json"
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
	base  string
	token string
	http  *http.Client
}

// New makes a client for the server at base, such as "https://keys.example.com",
// that presents token. A nil transport is http.DefaultTransport.
func New(base, token string, transport http.RoundTripper) *Client {
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{Transport: transport, CheckRedirect: stay}}
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
	// IdempotencyKey makes the call repeatable when its answer is lost.
	IdempotencyKey string
}

// Do makes a call, once: it never repeats one by itself.
func (c *Client) Do(ctx context.Context, call Request) error {
	var body io.Reader
	if call.In != nil {
		text, err := json.Marshal(call.In)
		if err != nil {
			return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.base+call.Path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
	}
	if call.In != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if call.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", call.IdempotencyKey)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
	}
	defer resp.Body.Close()
	return read(resp, call)
}

func read(resp *http.Response, call Request) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", call.Method, call.Path, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		problem := &api.Problem{}
		if json.Unmarshal(text, problem) != nil || problem.Code == "" {
			return fmt.Errorf("%s %s: the server answered %s", call.Method, call.Path, resp.Status)
		}
		return problem
	}
	if call.Out == nil {
		return nil
	}
	if err := json.Unmarshal(text, call.Out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", call.Method, call.Path, err)
	}
	return nil
}

// Verify asks whether a credential may do something now. Decision.Active says
// so; an error means that nothing was decided, and the caller must refuse.
func (c *Client) Verify(ctx context.Context, v api.Verify) (*api.Decision, error) {
	var d api.Decision
	if err := c.Call(ctx, http.MethodPost, "/v1/verify", v, &d); err != nil {
		return nil, err
	}
	return &d, nil
}
