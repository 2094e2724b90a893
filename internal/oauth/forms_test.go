package oauth

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the documents say of forms is what the handlers read.
func TestFormsAreWhatIsRead(t *testing.T) {
	documented := map[string]bool{}
	var add func(reflect.Type)
	add = func(form reflect.Type) {
		for i := range form.NumField() {
			if f := form.Field(i); f.Anonymous {
				add(f.Type)
			} else {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				documented[name] = true
			}
		}
	}
	for _, form := range []any{tokenForm{}, introspectForm{}, revokeForm{}} {
		add(reflect.TypeOf(form))
	}
	read := map[string]bool{"audience": true, "resource": true} // by a loop
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\bform\["(\w+)"\]`).FindAllSubmatch(text, -1) {
			read[string(match[1])] = true
		}
	}
	for name := range read {
		if !documented[name] && !slices.Contains([]string{"actor_token", "actor_token_type"}, name) { // always refused
			t.Errorf("%s is read and in no form: add it to forms.go", name)
		}
	}
	for name := range documented {
		if !read[name] && name != "token_type_hint" { // RFC 7009 section 2.1: may be ignored
			t.Errorf("%s is in a form and read nowhere", name)
		}
	}
}
