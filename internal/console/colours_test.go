package console_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// Text stands out from what is behind it by 4.5 to 1 (WCAG 2.2, 1.4.3), edges of
// controls, the ring of the focus and the parts of charts by 3 to 1 (1.4.11): in
// light and in dark, whatever page shows them.
func TestColoursStandOut(t *testing.T) {
	css, err := os.ReadFile("assets/console.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):\s+light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindAllStringSubmatch(string(css), -1) {
		tokens[m[1]] = [2]string{m[2], m[3]}
	}
	everywhere := []string{"canvas", "surface", "sunken", "hover"}
	pairs := []struct {
		front  []string
		behind []string
		least  float64
	}{
		{[]string{"ink", "ink-2", "ink-3", "accent", "accent-hover"}, everywhere, 4.5},
		{[]string{"ink", "ink-2"}, []string{"accent-soft", "ok-soft", "warn-soft", "bad-soft", "info-soft"}, 4.5},
		{[]string{"ok"}, []string{"ok-soft", "surface", "canvas"}, 4.5}, {[]string{"warn"}, []string{"warn-soft", "surface", "canvas"}, 4.5},
		{[]string{"bad"}, []string{"bad-soft", "surface", "canvas"}, 4.5}, {[]string{"info"}, []string{"info-soft", "surface", "canvas"}, 4.5},
		{[]string{"accent"}, []string{"accent-soft"}, 4.5},
		{[]string{"on-accent"}, []string{"fill", "fill-hover", "bad", "bad-hover"}, 4.5},
		{[]string{"line-strong", "s1", "s2", "s3", "s4", "s5", "accent"}, []string{"surface", "canvas"}, 3},
	}
	for _, p := range pairs {
		for _, front := range p.front {
			for _, behind := range p.behind {
				for i, side := range []string{"light", "dark"} {
					a, b := tokens[front], tokens[behind]
					if a[i] == "" || b[i] == "" {
						t.Fatalf("no colour is called %s or %s", front, behind)
					}
					if got := contrast(t, a[i], b[i]); got < p.least {
						t.Errorf("%s on %s in %s: %.2f to 1, want %.1f", front, behind, side, got, p.least)
					}
				}
			}
		}
	}
}

// contrast is that of two colours (WCAG 2.2, "contrast ratio").
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		part := float64(n) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
