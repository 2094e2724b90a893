package edge

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// unpack unpacks the body of a route that takes packed ones, within the bound of
// the body: however small it comes, it never becomes larger.
func (r *Request) unpack() error {
	if !r.packed {
		return nil
	}
	switch coding := strings.Join(r.Header["Content-Encoding"], ","); strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip": // RFC 9110 section 8.4.1.3
	default:
		r.SetHeader("Accept-Encoding", "gzip") // RFC 9110 section 15.5.16
		return credential.Errorf(credential.UnsupportedMedia, "send the body as it is, or with Content-Encoding: gzip")
	}
	broken := credential.Errorf(credential.BadRequest, "the body can't be unpacked: it is no gzip, or ended too early")
	packed, err := gzip.NewReader(bytes.NewReader(r.body))
	if err != nil {
		return broken
	}
	var text bytes.Buffer
	n, err := text.ReadFrom(io.LimitReader(packed, r.max+1))
	switch {
	case n > r.max:
		return credential.Errorf(credential.TooLarge, "the body may have at most %d bytes, unpacked", r.max)
	case err != nil:
		return broken
	}
	r.body = text.Bytes()
	return nil
}
