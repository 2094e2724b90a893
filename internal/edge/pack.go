package edge

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// leastPacked is how many bytes a body has that is worth packing.
const leastPacked = 1 << 10

var (
	packers   = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.DefaultCompression); return w }}
	packedVia = []string{"Accept-Encoding"}
	packedAs  = []string{"gzip"}
)

// Pack packs a body by gzip, as well as it can: for what is packed once.
func Pack(body []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // a level that there is
	_, _ = w.Write(body)                                    // to memory
	_ = w.Close()
	return out.Bytes()
}

// pack packs the body of an answer by gzip where its caller takes that, and it is
// a page or of pages. The answer to a form is never packed, nor a failure: only
// such a page may hold a secret, and how well a body packs tells of what is in it
// (BREACH). What a page that is packed proves of its session is masked anew each
// time.
func pack(r *http.Request, out any, body []byte, h http.Header) []byte {
	var packed []byte
	switch out := out.(type) {
	case Asset:
		if packed = out.Packed; packed == nil {
			return body
		}
	case HTML, Stylesheet:
	case Page:
		if out.Status != 0 && out.Status != http.StatusOK {
			return body
		}
	default:
		return body
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || len(body) < leastPacked {
		return body
	}
	h["Vary"] = packedVia
	if !takesGzip(r.Header) {
		return body
	}
	if packed == nil {
		var buffer bytes.Buffer
		w := packers.Get().(*gzip.Writer)
		w.Reset(&buffer)
		_, _ = w.Write(body) // to memory
		_ = w.Close()
		packers.Put(w)
		packed = buffer.Bytes()
	}
	h["Content-Encoding"] = packedAs
	return packed
}

// takesGzip reads whether a caller takes gzip (RFC 9110 section 12.5.3).
func takesGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			n, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && n > 0
		}
	}
	return false
}
