package artifact

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sniffed is how much of a file says what it is.
const sniffed = 512

// signatures are how files of some types begin.
var signatures = []struct{ media, begins string }{
	{"image/png", "\x89PNG\r\n\x1a\n"},
	{"image/jpeg", "\xff\xd8\xff"},
	{"image/gif", "GIF87a"},
	{"image/gif", "GIF89a"},
	{"application/pdf", "%PDF-"},
	{"application/zip", "PK\x03\x04"},
	{"application/gzip", "\x1f\x8b\x08"},
}

// movies are brands of MP4 (ISO/IEC 14496-12 section 4.3).
var movies = []string{"isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "dash", "MSNV"}

// shown are the types that a browser may show in its place: pictures and
// films, in which nothing runs.
var shown = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "video/webm"}

// Shown reports whether files of a type may be shown by a browser. Others it
// may only save.
func Shown(media string) bool { return slices.Contains(shown, media) }

// typeOf tells what a file is by its beginning, whatever is said of it.
func typeOf(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.begins)) {
			return s.media
		}
	}
	switch at := func(from, to int) string { return string(head[min(from, len(head)):min(to, len(head))]) }; {
	case at(0, 4) == "RIFF" && at(8, 14) == "WEBPVP":
		return "image/webp"
	case at(4, 8) == "ftyp" && slices.Contains(movies, at(8, 12)):
		return "video/mp4"
	case at(4, 12) == "ftypqt  ":
		return "video/quicktime"
	case at(0, 4) == "\x1a\x45\xdf\xa3" && strings.Contains(at(4, 64), "webm"):
		return "video/webm"
	case isText(head):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// isText reports whether a beginning is UTF-8 without the signs that texts
// don't have. Its last letter may be cut off.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		switch {
		case r == utf8.RuneError && n == 1:
			return !utf8.FullRune(head)
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f\x1b", r):
			return false
		}
		head = head[n:]
	}
	return true
}

// mostName is how many letters the name of a file has.
const mostName = 150

// Name makes a name to show of one that a caller chose: without directories,
// and without what doesn't show or reorders the rest. It is never a path.
func Name(chosen string) string {
	name := strings.ToValidUTF8(chosen, "\uFFFD")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > mostName {
		name = string(runes[:mostName/2]) + "…" + string(runes[len(runes)-mostName/2+1:]) // with its end, which says what it is
	}
	if name = strings.TrimSpace(name); strings.Trim(name, ". ") == "" {
		return "file"
	}
	return name
}
