package console

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
	"unicode"
)

// words are what the templates say things with.
var words = template.FuncMap{"title": titled, "initials": initials, "when": when, "day": day}

// titled begins a word with a capital.
func titled(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// stop makes a sentence of what an error says.
func stop(text string) string { return titled(strings.TrimSuffix(text, ".")) + "." }

// initials stand for a name in a small circle.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(name) {
		if first := []rune(word)[0]; unicode.IsLetter(first) && len(out) < 2 {
			out = append(out, unicode.ToUpper(first))
		}
	}
	if len(out) == 0 {
		return "·"
	}
	return string(out)
}

// when names an instant, with the day of the week.
func when(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006, 15:04 UTC") }

// day names a day.
func day(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// ago says how long ago something was, as exactly as it matters.
func ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "Just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 2*time.Hour:
		return "1 hour ago"
	case d < 24*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	}
	return day(t)
}

// within says how soon something is.
func within(now, t time.Time) string {
	hours := t.Sub(now).Hours()
	days := int(math.Round(hours / 24))
	switch {
	case hours < 24:
		return "in less than a day"
	case days == 1:
		return "in 1 day"
	}
	return fmt.Sprintf("in %d days", days)
}

// grouped writes a number in groups of three digits.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// icons are drawn on a grid of 16 pixels, by lines of the text's own colour.
var icons = map[string]string{
	"key":    `<circle cx="5.5" cy="10.5" r="2.75"/><path d="m7.5 8.5 5.5-5.5M10.75 5.25l2 2M13 3l1 1"/>`,
	"plug":   `<path d="M5.5 1.75v3.5M10.5 1.75v3.5M3.75 5.25h8.5v2.5a4.25 4.25 0 0 1-8.5 0zM8 12v2.25"/>`,
	"plus":   `<path d="M8 3v10M3 8h10"/>`,
	"back":   `<path d="M13 8H3M7 4 3 8l4 4"/>`,
	"copy":   `<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5"/>`,
	"check":  `<path d="m3 8.5 3.25 3.25L13 5"/>`,
	"lock":   `<rect x="3" y="7" width="10" height="6.5" rx="1.5"/><path d="M5.25 7V4.75a2.75 2.75 0 0 1 5.5 0V7"/>`,
	"warn":   `<path d="M8 2.25 14.25 13.25H1.75zM8 6.5v3M8 11.4v.1"/>`,
	"clock":  `<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>`,
	"dot":    `<circle cx="8" cy="8" r="3" fill="currentColor" stroke="none"/>`,
	"ban":    `<circle cx="8" cy="8" r="5.75"/><path d="m4 4 8 8"/>`,
	"pause":  `<path d="M6 4v8M10 4v8"/>`,
	"people": `<circle cx="6" cy="5.5" r="2.5"/><path d="M1.75 13.25c.3-2.6 2-4 4.25-4s3.95 1.4 4.25 4M10.5 3.25a2.5 2.5 0 0 1 0 4.5M11.75 9.5c1.5.4 2.3 1.7 2.5 3.75"/>`,
	"menu":   `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"leave":  `<path d="M6.5 2.75H4A1.25 1.25 0 0 0 2.75 4v8A1.25 1.25 0 0 0 4 13.25h2.5M10 5l3 3-3 3M13 8H6.5"/>`,
	"bars":   `<path d="M2.5 13.5h11M4.5 11V8M8 11V3M11.5 11V5.5"/>`,
	"coin":   `<circle cx="8" cy="8" r="5.75"/><path d="M9.75 6A2.5 2.5 0 1 0 9.75 10"/>`,
	"down":   `<path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M2.75 13.5h10.5"/>`,
	"token":  `<rect x="1.75" y="4" width="12.5" height="8" rx="2"/><path d="M5 8h.1M8 8h.1M11 8h.1"/>`,
}

// icon draws one. The word beside it says what it means.
func icon(name string) template.HTML {
	return template.HTML(`<svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">` +
		icons[name] + `</svg>`)
}
