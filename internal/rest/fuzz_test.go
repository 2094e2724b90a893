package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// FuzzCursor: only the very cursor that a list returned goes on; all else is a
// refusal that names it, and nothing panics.
func FuzzCursor(f *testing.F) {
	w := newWorld(f, storetest.SQLite(f))
	get := func(cursor string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/v1/credentials?limit=2&cursor="+url.QueryEscape(cursor), nil)
		r.Header.Set("Authorization", "Bearer "+w.secrets["owner"])
		out := httptest.NewRecorder()
		w.edge.ServeHTTP(out, r)
		return out
	}
	var page api.List[api.Credential]
	if err := w.as("owner").Call(context.Background(), http.MethodGet, "/v1/credentials?limit=2", nil, &page); err != nil || page.NextCursor == "" {
		f.Fatal(err, page)
	}
	for _, seed := range []string{"", "x", page.NextCursor, page.NextCursor[1:], page.NextCursor + "A", "' OR 1=1 --", "\x00", "AAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		got := get(cursor)
		want := http.StatusUnprocessableEntity
		switch cursor {
		case page.NextCursor:
			want = http.StatusOK
		case "": // no parameter may be
			want = http.StatusBadRequest
		}
		if got.Code != want {
			t.Errorf("%q: got %d %s, want %d", cursor, got.Code, got.Body, want)
		}
	})
}
