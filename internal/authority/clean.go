package authority

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
)

// Bounds of what is kept of a request, in bytes.
const (
	mostResource = 200
	mostPath     = 256
)

// cleanResource bounds the name of a resource, and keeps no secret.
func (a *Authority) cleanResource(name string) string {
	return a.withoutSecrets(printable(name, mostResource), mostResource)
}

// cleanPath bounds a path, and keeps no secret.
func (a *Authority) cleanPath(path string) string {
	return a.withoutSecrets(printable(path, 4*mostPath), mostPath)
}

// withoutSecrets puts "…" in the place of each part that is, or looks like, a
// secret, and keeps so many bytes at most.
func (a *Authority) withoutSecrets(text string, most int) string {
	var b strings.Builder // stays empty where nothing is put in its place
	kept := 0
	for start := 0; start < len(text); {
		end := start + 1
		if isWord(text[start]) {
			for end < len(text) && isWord(text[end]) {
				end++
			}
			if a.looksSecret(text[start:end]) {
				b.WriteString(text[kept:start])
				b.WriteString("…")
				kept = end
			}
		}
		start = end
	}
	if kept > 0 {
		b.WriteString(text[kept:])
		text = b.String()
	}
	for len(text) > most || !utf8.ValidString(text) { // no half letters
		text = text[:min(most, len(text)-1)]
	}
	return text
}

// isWord reports whether a byte may be in the middle of a secret.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '~'
}

// shortest is how long a run of letters and digits must at least be to be taken
// for a secret by its looks alone: so many have 128 random bits.
const shortest = 22

// looksSecret reports whether a word begins like what a scheme or we ourselves
// make, or is so long and mixed that it may be a secret of another system.
func (a *Authority) looksSecret(word string) bool {
	if a.schemes.HasPrefix(word) || jwt.Looks(word) {
		return true
	}
	if len(word) < shortest {
		return false
	}
	for _, code := range [...]credential.Format{linkCode, inviteCode, setupCode} {
		if strings.HasPrefix(word, code.Prefix) {
			return true
		}
	}
	if _, digits, ok := strings.Cut(word, "_"); ok && len(digits) == 2*len(uuid.Nil) && isHex(digits) { // as PublicID writes it
		return false
	}
	return longestMixed(word) >= shortest
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil
}

// longestMixed is how long the longest run of letters and digits is that has
// both.
func longestMixed(word string) (longest int) {
	run, digits := 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			run, digits = run+1, digits+1
		case c == '_' || c == '-' || c == '.' || c == '~':
			run, digits = 0, 0
		default:
			run++
		}
		if digits > 0 && digits < run {
			longest = max(longest, run)
		}
	}
	return longest
}

// printable bounds a text, and keeps only what any database, log and page can
// show.
func printable(text string, most int) string {
	text = text[:min(len(text), most)]
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return strings.Map(func(r rune) rune {
				if r == utf8.RuneError || !unicode.IsPrint(r) {
					return -1
				}
				return r
			}, text)
		}
	}
	return text
}

// cleanAgent bounds what a client says of itself.
func cleanAgent(agent string) string { return printable(agent, 256) }
