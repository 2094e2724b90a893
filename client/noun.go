package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
)

// to is a call of a path under /v1. A name that is empty or made of dots makes
// no path: on its way it could come to mean another one.
func to(method string, segments ...string) Request {
	var path strings.Builder
	path.WriteString("/v1")
	for _, s := range segments {
		if s == "" || s == "." || s == ".." {
			return Request{Method: method}
		}
		path.WriteString("/" + url.PathEscape(s))
	}
	return Request{Method: method, Path: path.String()}
}

func get(segments ...string) Request  { return to(http.MethodGet, segments...) }
func post(segments ...string) Request { return to(http.MethodPost, segments...) }

// with gives a call its body, and the Idempotency-Key of one that makes something.
func (r Request) with(in any, key string) Request {
	r.In, r.IdempotencyKey = in, key
	return r
}

// where gives a call its query: names and values. Empty values are left out.
func (r Request) where(pairs ...string) Request {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if r.Path != "" && len(query) > 0 {
		r.Path += "?" + query.Encode()
	}
	return r
}

// ask makes a call and returns what it is answered with.
func ask[T any](ctx context.Context, c *Client, call Request) (T, error) {
	var out, none T
	call.Out = &out
	if err := c.Do(ctx, call); err != nil {
		return none, err
	}
	return out, nil
}

// items returns a list that comes on one page.
func items[T any](ctx context.Context, c *Client, call Request) ([]T, error) {
	list, err := ask[api.List[T]](ctx, c, call)
	return list.Items, err
}

// pageSize is how many items a page has, the most that the server gives.
const pageSize = "200"

// all goes through a list, page by page, with filters in the query. It begins
// at the start each time. next says what to add to the query for the page
// after one; nothing ends the list.
func all[T any](ctx context.Context, c *Client, list listing, next func(api.List[T]) []string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for more := []string{}; more != nil; {
			query := slices.Concat(list.filters, []string{"limit", pageSize}, more)
			page, err := ask[api.List[T]](ctx, c, get(list.path...).where(query...))
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			more = next(page)
		}
	}
}

// listing is where a list is found, and the names and values that narrow it.
type listing struct{ path, filters []string }

// byCursor goes on where the server says.
func byCursor[T any](page api.List[T]) []string {
	if page.NextCursor == "" {
		return nil
	}
	return []string{"cursor", page.NextCursor}
}
