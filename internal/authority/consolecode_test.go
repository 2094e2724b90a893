package authority

import (
	"strings"
	"testing"
)

func FuzzConsoleCode(f *testing.F) {
	for _, text := range []string{"", "0123-4567-89AB", "oil0 ABCD efgh", "ÄÖÜ", strings.Repeat("-", 200)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := readConsoleCode(typed)
		if code == "" {
			return
		}
		if len(code) != 12 || readConsoleCode(code) != code || readConsoleCode(strings.ToLower(code[:4]+" "+code[4:])) != code {
			t.Errorf("%q is read as %q", typed, code)
		}
	})
}
