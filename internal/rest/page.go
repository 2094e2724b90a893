package rest

import (
	"crypto/hmac"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// Bounds of a page.
const (
	defaultLimit = edge.DefaultPage
	maxLimit     = edge.MaxPage
	cursorMAC    = 16 // bytes of authentication in a cursor
)

// page is where a list goes on.
type page struct {
	limit int
	after uuid.UUID // the last id of the page before
	next  func(last uuid.UUID) string
}

// page reads limit, cursor and the filters of a list. A cursor works only for
// the principal and the filters that it was made for.
func (h *handlers) page(r *edge.Request, filters ...string) (p page, err error) {
	if p.limit, err = limit(r); err != nil {
		return p, err
	}
	c := h.cursors(r, filters)
	p.next = func(last uuid.UUID) string { return c.write(last[:]) }
	if text := r.Param("cursor"); text != "" {
		raw, err := c.read(text)
		if err != nil || len(raw) != len(p.after) {
			return p, wrongCursor()
		}
		p.after = uuid.UUID(raw)
	}
	return p, nil
}

// cursors are the texts that say where a list goes on, for one principal and
// its filters.
type cursors struct {
	macs func(raw []byte) [][32]byte
}

func (h *handlers) cursors(r *edge.Request, filters []string) cursors {
	bound := [][]byte{[]byte(r.Pattern), []byte(r.Principal.String())}
	for _, name := range []string{"organization", "webhook", "project", "id", "run", "test"} {
		bound = append(bound, []byte(r.PathValue(name)))
	}
	for _, name := range filters {
		bound = append(bound, []byte(r.Param(name)))
	}
	return cursors{func(raw []byte) [][32]byte { return h.root.MACs(seal.Cursors, append(bound, raw)...) }}
}

func (c cursors) write(raw []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(slices.Clone(raw), c.macs(raw)[0][:cursorMAC]...))
}

func (c cursors) read(text string) ([]byte, error) {
	all, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(all) < cursorMAC || base64.RawURLEncoding.EncodeToString(all) != text { // one spelling
		return nil, wrongCursor()
	}
	raw, mac := all[:len(all)-cursorMAC], all[len(all)-cursorMAC:]
	if !slices.ContainsFunc(c.macs(raw), func(own [32]byte) bool { return hmac.Equal(mac, own[:cursorMAC]) }) {
		return nil, wrongCursor()
	}
	return raw, nil
}

// limit reads how many items a page may have.
func limit(r *edge.Request) (int, error) {
	text := r.Param("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit || strconv.Itoa(n) != text {
		return 0, credential.InvalidField("limit", "must be from 1 to %d", maxLimit)
	}
	return n, nil
}

func wrongCursor() error {
	return credential.InvalidField("cursor", "is not one that this list returned for these filters; start again without it")
}

// paged makes one page of a list that was asked for one item more than fits.
func paged[T, W any](p page, list []T, show func(T) W, id func(W) string) api.List[W] {
	out := api.List[W]{Items: make([]W, 0, min(len(list), p.limit))}
	for _, item := range list[:min(len(list), p.limit)] {
		out.Items = append(out.Items, show(item))
	}
	if len(list) > p.limit {
		out.NextCursor = p.next(uuid.MustParse(id(out.Items[p.limit-1])))
	}
	return out
}
