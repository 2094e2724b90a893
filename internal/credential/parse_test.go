package credential

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestK7_ParseRefuses everything that isn't exactly a secret, one change away
// from one that is.
func TestK7_ParseRefuses(t *testing.T) {
	set := builtins(t)
	for name, text := range samples(t) {
		if _, ok := set.Parse(text); !ok {
			t.Fatalf("%s: %q is refused", name, text)
		}
		changed := []string{
			"", " ", text[:len(text)-1], text + "0", " " + text, text + " ", text + "\n", text + "\x00", text + text, text + "," + text,
			strings.ToUpper(text), strings.Replace(text, text[len(text)-1:], "%3"+text[len(text)-1:], 1), "х" + text[1:], text + strings.Repeat("0", 600),
		}
		for i := range len(text) {
			for _, c := range []byte("0aZ~\x7f") {
				if text[i] != c {
					changed = append(changed, text[:i]+string(c)+text[i+1:])
				}
			}
		}
		for _, other := range changed {
			if _, ok := set.Parse(other); ok && other != text {
				t.Errorf("%s: %q passes for a secret", name, other)
			}
		}
	}
}

// TestK2_SecretHidesItself under every verb, in logs and in JSON.
func TestK2_SecretHidesItself(t *testing.T) {
	const text = "gate_canary"
	s := NewSecret(text)
	holder := struct {
		S Secret
		P *Secret
		M map[string]Secret
	}{s, &s, map[string]Secret{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", holder)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "secret", s, "holder", holder, "pointer", &s)
	}
	for _, marshal := range []func() ([]byte, error){
		func() ([]byte, error) { return stdjson.Marshal(holder) }, func() ([]byte, error) { return json.Marshal(holder) },
	} {
		b, err := marshal()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %q in:\n%s", form, out.String())
		}
	}
	if s.Reveal() != text {
		t.Error("Reveal lost the text")
	}
}

// TestK3_LookupKey is HMAC-SHA-256, and another key makes another of it.
func TestK3_LookupKey(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	keyer := NewKeyer(key)
	for _, text := range []string{"", "a", strings.Repeat("x", 511), strings.Repeat("y", 512), strings.Repeat("z", 2000)} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		if got := keyer.LookupKey(text).Bytes(); !bytes.Equal(got[:], mac.Sum(nil)) {
			t.Errorf("%d bytes: not the HMAC", len(text))
		}
	}
	one := keyer.LookupKey("s")
	key[31] ^= 1
	if one.Equal(NewKeyer(key).LookupKey("s")) {
		t.Error("one bit of the key changes nothing")
	}
	if !one.Equal(keyer.LookupKey("s")) {
		t.Error("the keyer follows a change of the caller's slice")
	}
}

// TestK6_LookupKeysAreNotCompared by anything but Equal: == doesn't compile.
func TestK6_LookupKeysAreNotCompared(t *testing.T) {
	if reflect.TypeFor[LookupKey]().Comparable() {
		t.Error("LookupKey can be compared with ==, which doesn't take constant time")
	}
}

// TestNoAllocation on the path of every verification.
func TestNoAllocation(t *testing.T) {
	set, keyer := builtins(t), NewKeyer(make([]byte, 32))
	text := samples(t)["gatehouse_key"]
	s := standing(set.ByName("gatehouse_key"))
	r := Request{Permission: IssuesRead, Now: noon}
	for name, fn := range map[string]func(){
		"Parse":     func() { set.Parse(text) },
		"LookupKey": func() { keyer.LookupKey(text) },
		"Evaluate":  func() { Evaluate(s, r) },
	} {
		// The race detector makes pools forget at random; three are its own.
		if n := testing.AllocsPerRun(200, fn); n > raceAllocations {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// FuzzParse: what is accepted is exactly a prefix, a body and its checksum.
func FuzzParse(f *testing.F) {
	set := builtins(f)
	for _, text := range samples(f) {
		f.Add(text)
	}
	f.Add("btst_")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := set.Parse(text)
		if !ok {
			return
		}
		if !strings.HasPrefix(text, s.Text.Prefix) || len(text) != len(s.Text.Prefix)+s.Text.Length || !s.Text.Check(text) {
			t.Errorf("%q passes for a %s", text, s.Name)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	set, text := builtins(b), samples(b)["gatehouse_key"]
	b.ReportAllocs()
	for b.Loop() {
		set.Parse(text)
	}
}

func BenchmarkLookupKey(b *testing.B) {
	keyer, text := NewKeyer(make([]byte, 32)), samples(b)["gatehouse_key"]
	b.ReportAllocs()
	for b.Loop() {
		keyer.LookupKey(text)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	s := standing(builtins(b).ByName("gatehouse_key"))
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(s, Request{Permission: IssuesRead, Now: noon})
	}
}
