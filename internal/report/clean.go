package report

import (
	"strings"
	"unicode"
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
