package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// plain is a text on one line, of at most so many characters: what stands in a
// file of results, or comes from a server, can't move the cursor, change
// colours, turn the direction of writing, or give a command to a CI system.
func plain(text string, most int) string {
	var b strings.Builder
	n, gap, hash := 0, false, false
	for _, r := range text {
		if unicode.IsSpace(r) {
			gap = n > 0
			continue
		}
		if !shown(r) {
			continue
		}
		if n == most {
			b.WriteString("…")
			break
		}
		if gap || hash && r == '#' { // ##[command], ##vso[command], ##teamcity[command]
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		n, gap, hash = n+1, false, r == '#'
	}
	return b.String()
}

// shown reports whether a character shows, and changes nothing around it.
func shown(r rune) bool {
	switch {
	case r == utf8.RuneError, r == '\u00ad', r == '\ufeff', r >= '\u2060' && r <= '\u206f', r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202e':
		return r == utf8.RuneError
	}
	return unicode.IsPrint(r)
}

// hiding is a text without the token, wherever that came from.
func hiding(text, token string) string {
	const shortest = 8 // of what can be a token; a shorter one would tear words apart
	if len(token) < shortest {
		return text
	}
	return strings.ReplaceAll(text, token, "[the token]")
}

// Plain is a text of a file of results as it may be printed: on one line, of at
// most so many characters, and such that it commands neither a terminal nor a
// CI system.
func Plain(text string, most int) string { return plain(text, most) }

// PlainJSON is the same JSON, in which no text commands anything: what a CI
// system or a terminal would act on is written as an escape.
func PlainJSON(text []byte) string {
	var b strings.Builder
	hash := false
	for _, r := range string(text) { // only within texts does any of this stand
		switch {
		case hash && r == '#', r > unicode.MaxASCII && !shown(r):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
			hash = false
			continue
		default:
			b.WriteRune(r)
		}
		hash = r == '#'
	}
	return b.String()
}
