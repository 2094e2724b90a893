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
var words = template.FuncMap{"title": titled, "initials": initials, "when": when, "day": day, "series": seriesClass, "partlist": partList}

// seriesClass is the colour of a part of a chart: all others have one of their own.
func seriesClass(i int, name string) string {
	if name == "All others" {
		i = mostSeries
	}
	return fmt.Sprintf("s%d", i+1)
}

// partList names a table of parts.
func partList(title, id string, parts []part) any {
	return struct {
		Title, ID string
		Parts     []part
	}{title, id, parts}
}

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
	"key":     `<circle cx="5.5" cy="10.5" r="2.75"/><path d="m7.5 8.5 5.5-5.5M10.75 5.25l2 2M13 3l1 1"/>`,
	"plug":    `<path d="M5.5 1.75v3.5M10.5 1.75v3.5M3.75 5.25h8.5v2.5a4.25 4.25 0 0 1-8.5 0zM8 12v2.25"/>`,
	"plus":    `<path d="M8 3v10M3 8h10"/>`,
	"back":    `<path d="M13 8H3M7 4 3 8l4 4"/>`,
	"copy":    `<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5"/>`,
	"check":   `<path d="m3 8.5 3.25 3.25L13 5"/>`,
	"lock":    `<rect x="3" y="7" width="10" height="6.5" rx="1.5"/><path d="M5.25 7V4.75a2.75 2.75 0 0 1 5.5 0V7"/>`,
	"warn":    `<path d="M8 2.25 14.25 13.25H1.75zM8 6.5v3M8 11.4v.1"/>`,
	"clock":   `<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>`,
	"dot":     `<circle cx="8" cy="8" r="3" fill="currentColor" stroke="none"/>`,
	"ban":     `<circle cx="8" cy="8" r="5.75"/><path d="m4 4 8 8"/>`,
	"pause":   `<path d="M6 4v8M10 4v8"/>`,
	"people":  `<circle cx="6" cy="5.5" r="2.5"/><path d="M1.75 13.25c.3-2.6 2-4 4.25-4s3.95 1.4 4.25 4M10.5 3.25a2.5 2.5 0 0 1 0 4.5M11.75 9.5c1.5.4 2.3 1.7 2.5 3.75"/>`,
	"menu":    `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"leave":   `<path d="M6.5 2.75H4A1.25 1.25 0 0 0 2.75 4v8A1.25 1.25 0 0 0 4 13.25h2.5M10 5l3 3-3 3M13 8H6.5"/>`,
	"bars":    `<path d="M2.5 13.5h11M4.5 11V8M8 11V3M11.5 11V5.5"/>`,
	"coin":    `<circle cx="8" cy="8" r="5.75"/><path d="M9.75 6A2.5 2.5 0 1 0 9.75 10"/>`,
	"down":    `<path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M2.75 13.5h10.5"/>`,
	"box":     `<path d="M8 1.75 13.75 4.75v6.5L8 14.25l-5.75-3v-6.5zM2.25 4.75 8 7.75l5.75-3M8 7.75v6.5"/>`,
	"hook":    `<circle cx="4.25" cy="11" r="2.25"/><circle cx="11.75" cy="11" r="2.25"/><circle cx="8" cy="4.25" r="2.25"/><path d="M7 6.25 5.25 9M6.5 11h3M9.1 6.25 10.75 9"/>`,
	"lines":   `<path d="M2.5 4h11M2.5 8h11M2.5 12h7"/>`,
	"shield":  `<path d="M8 1.75 13.25 3.5v4.25c0 3.25-2.25 5.5-5.25 6.5-3-1-5.25-3.25-5.25-6.5V3.5z"/>`,
	"seal":    `<circle cx="8" cy="6.5" r="4.25"/><path d="m5.5 10-.75 4.25L8 12.75l3.25 1.5L10.5 10"/>`,
	"sliders": `<path d="M2.5 4.5h6.25M12.25 4.5h1.25M2.5 11.5h1.25M7.25 11.5h6.25"/><circle cx="10.5" cy="4.5" r="1.75"/><circle cx="5.5" cy="11.5" r="1.75"/>`,
	"person":  `<circle cx="8" cy="5" r="2.75"/><path d="M2.75 13.75c.4-3 2.5-4.75 5.25-4.75s4.85 1.75 5.25 4.75"/>`,
	"grid":    `<rect x="2.25" y="2.25" width="4.5" height="4.5" rx="1"/><rect x="9.25" y="2.25" width="4.5" height="4.5" rx="1"/><rect x="2.25" y="9.25" width="4.5" height="4.5" rx="1"/><rect x="9.25" y="9.25" width="4.5" height="4.5" rx="1"/>`,
	"search":  `<circle cx="7" cy="7" r="4.25"/><path d="m10.25 10.25 3.25 3.25"/>`,
	"book":    `<path d="M8 4C6.5 2.75 4.5 2.5 2 2.5V12c2.5 0 4.5.25 6 1.5 1.5-1.25 3.5-1.5 6-1.5V2.5c-2.5 0-4.5.25-6 1.5zM8 4v9.5"/>`,
	"mail":    `<rect x="1.75" y="3.25" width="12.5" height="9.5" rx="1.5"/><path d="m2 4.25 6 4.5 6-4.5"/>`,
	"bug":     `<rect x="5" y="5.5" width="6" height="8" rx="3"/><path d="M6 5.5a2 2 0 0 1 4 0M5 8.5H2.25M13.75 8.5H11M5.25 11.5 3 13M10.75 11.5 13 13M5.25 6.25 3.25 4.5M10.75 6.25l2-1.75"/>`,
	"play":    `<path d="M4.5 2.75v10.5L13 8z"/>`,
	"list":    `<path d="M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1"/>`,
	"file":    `<path d="M3.75 1.75h5l3.5 3.5v9h-8.5zM8.75 1.75v3.5h3.5"/>`,
	"swap":    `<path d="M3 6h9M9.5 3.5 12 6 9.5 8.5M13 10H4M6.5 7.5 4 10l2.5 2.5"/>`,
	"info":    `<circle cx="8" cy="8" r="5.75"/><path d="M8 7.25V11M8 5.1v.1"/>`,
	"gauge":   `<path d="M2.25 11.5a5.75 5.75 0 1 1 11.5 0M8 11.5l2.5-4"/>`,
	"pin":     `<path d="M6 2.25h4l-.5 4 2 2.25h-7l2-2.25zM8 8.5v5.25"/>`,
	"cross":   `<path d="m4.5 4.5 7 7M11.5 4.5l-7 7"/>`,
	"skip":    `<path d="M3.5 3.5 9 8l-5.5 4.5zM12 3.5v9"/>`,
	"up":      `<path d="M8 12.75v-9M4.25 7.25 8 3.5l3.75 3.75"/>`,
	"level":   `<path d="M3.5 6h9M3.5 10h9"/>`,
	"below":   `<path d="M8 3.25v9M4.25 8.75 8 12.5l3.75-3.75"/>`,
	"urgent":  `<path d="M4.25 8 8 4.25 11.75 8M4.25 12.25 8 8.5l3.75 3.75"/>`,
	"edit":    `<path d="M9.75 3.75 12.25 6.25M3 13l.75-3.25 7-7a1.25 1.25 0 0 1 1.75 0l.75.75a1.25 1.25 0 0 1 0 1.75l-7 7z"/>`,
	"bolt":    `<path d="M9 1.75 3.75 9.25H8l-1 5 5.25-7.5H8z"/>`,
	"cycle":   `<path d="M13 8a5 5 0 0 1-9.25 2.65M3 8a5 5 0 0 1 9.25-2.65M12.5 2.5v3h-3M3.5 13.5v-3h3"/>`,
	"out":     `<path d="M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5"/>`,
	"token":   `<rect x="1.75" y="4" width="12.5" height="8" rx="2"/><path d="M5 8h.1M8 8h.1M11 8h.1"/>`,
}

// icon draws one. The word beside it says what it means.
func icon(name string) template.HTML {
	return template.HTML(`<svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">` +
		icons[name] + `</svg>`)
}
