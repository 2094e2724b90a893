package credential

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const testIssuer = "https://keys.test"

// secretsOf has one secret of every scheme, and of what has none.
func secretsOf(t testing.TB, set *Schemes) (out []string) {
	t.Helper()
	formats := []Format{RefreshText.Format, CookieText.Format}
	for _, scheme := range set.All() {
		formats = append(formats, scheme.Text)
	}
	for _, f := range formats {
		secret, err := f.Generate(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, secret.Reveal())
	}
	return append(out, jwtOf(testIssuer))
}

func jwtOf(issuer string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"ES256","typ":"at+jwt"}`)) + "." + part([]byte(`{"iss":"`+issuer+`","sub":"x"}`)) + "." + part(make([]byte, 64))
}

func TestScannerFindsEverySecret(t *testing.T) {
	t.Parallel()
	set := builtins(t)
	scan := set.Scanner(testIssuer)
	for _, secret := range secretsOf(t, set) {
		typo := []byte(secret)
		typo[len(typo)-1] ^= 1
		for _, around := range []string{"%", "%%", "a%", "token=%;", "%\n%", `{"k":"%"}`, "pat-%", "tk_pat_%x"} {
			text := strings.ReplaceAll(around, "%", secret)
			if strings.HasPrefix(secret, "eyJ") && strings.Contains(around, "%x") || around == "%%" && strings.HasPrefix(secret, "eyJ") {
				continue // what follows is part of the signature
			}
			n := 0
			got := scan.Redact(text, func(f Found) {
				if n++; f.Secret.Reveal() != secret {
					t.Errorf("in %q: found another secret", around)
				}
			})
			if want := strings.Count(around, "%"); n != want || strings.Contains(got, secret) || len(got) != len(text) {
				t.Errorf("in %q: found %d of %d, and it says %q", around, n, want, got)
			}
			for size := 1; size < 4; size++ { // however the reads fall
				from := iotest.OneByteReader(strings.NewReader(strings.Repeat("-", size) + text))
				streamed, err := io.ReadAll(scan.Reader(from, func(Found) {}))
				if err != nil || string(streamed) != strings.Repeat("-", size)+got {
					t.Errorf("in %q: a stream says %q (%v), want %q", around, streamed, err, got)
				}
			}
		}
		if got := scan.Redact(string(typo), func(Found) {}); got != string(typo) && !strings.HasPrefix(secret, "eyJ") {
			t.Errorf("what is no secret became %q", got)
		}
		if cut := secret[:len(secret)-3] + "…"; !strings.HasPrefix(secret, "eyJ") {
			if got := scan.RedactCut("at the end "+cut, func(Found) {}); strings.Contains(got, secret[:len(secret)-3]) || !strings.HasSuffix(got, "*…") {
				t.Errorf("what was cut off became %q", got)
			}
		}
	}
	for _, harmless := range []string{"", "gate_way", "tk_pat_", "pat-" + strings.Repeat("0", 64), jwtOf("https://others.test"), "eyJ.eyJ.", "…"} {
		if got := scan.RedactCut(harmless, func(Found) {}); got != harmless {
			t.Errorf("%q became %q", harmless, got)
		}
	}
}

// TestK2_SecretsInWideCharacters wants secrets to be found in UTF-16 and UTF-32
// of either order, wherever the reads fall, and the text to stay what it was.
func TestK2_SecretsInWideCharacters(t *testing.T) {
	t.Parallel()
	set := builtins(t)
	scan := set.Scanner(testIssuer)
	for _, secret := range secretsOf(t, set) {
		shown := strings.IndexByte(scan.Redact(secret, func(Found) {}), '*')
		text := "before " + secret + " and behind " + secret
		want := strings.ReplaceAll(text, secret, secret[:shown]+strings.Repeat("*", len(secret)-shown))
		for _, form := range []string{"%\x00", "\x00%", "%\x00\x00\x00", "\x00\x00\x00%"} {
			wide := func(text string) string {
				var b strings.Builder
				for i := range len(text) {
					b.WriteString(strings.ReplaceAll(form, "%", text[i:i+1]))
				}
				return "\xff\xfe" + b.String()
			}
			n := 0
			got, err := io.ReadAll(scan.Reader(iotest.OneByteReader(strings.NewReader(wide(text))), func(f Found) {
				if n++; f.Secret.Reveal() != secret {
					t.Errorf("%q: found another secret", form)
				}
			}))
			if err != nil || n != 2 || string(got) != wide(want) || !scan.Finds(wide(text)) || scan.Finds(wide(want)) {
				t.Errorf("%q: found %d, %v: %q", form, n, err, got)
			}
		}
	}
}

func TestScannerReadsLongStreams(t *testing.T) {
	t.Parallel()
	set := builtins(t)
	scan := set.Scanner(testIssuer)
	secrets := secretsOf(t, set)
	var text bytes.Buffer
	for i := 0; text.Len() < 1<<20; i++ {
		text.WriteString(strings.Repeat("x_y-z ", 997))
		text.WriteString(secrets[i%len(secrets)] + " ")
	}
	n := 0
	got, err := io.ReadAll(scan.Reader(bytes.NewReader(text.Bytes()), func(Found) { n++ }))
	want := scan.Redact(text.String(), func(Found) { n-- })
	if err != nil || string(got) != want || n != 0 || strings.Contains(want, secrets[0]) {
		t.Errorf("a stream differs from its text (%v), by %d secrets", err, n)
	}
}

func TestScannerAllocatesNothing(t *testing.T) {
	scan := builtins(t).Scanner(testIssuer)
	text := strings.Repeat("at com.example.Login_Test.run(Login-Test.java:42) gate_keeper eyJ ", 100)
	if n := testing.AllocsPerRun(10, func() { scan.Redact(text, nil) }); n > raceAllocations {
		t.Errorf("a text without secrets costs %v allocations", n)
	}
}

func FuzzScanner(f *testing.F) {
	set := builtins(f)
	scan := set.Scanner(testIssuer)
	for _, secret := range secretsOf(f, set) {
		f.Add("a "+secret+secret, 7)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		n := 0
		got := scan.Redact(text, func(Found) { n++ })
		if len(got) != len(text) || n == 0 && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		again := scan.Redact(got, func(Found) { t.Error("a secret is left") })
		if again != got {
			t.Errorf("%q became %q", got, again)
		}
		streamed, err := io.ReadAll(scan.Reader(iotest.HalfReader(strings.NewReader(text)), func(Found) { n-- }))
		if err != nil || string(streamed) != got || n != 0 {
			t.Errorf("a stream of %q says %q, want %q", text, streamed, got)
		}
		scan.RedactCut(text, func(Found) {})
	})
}

func BenchmarkScanner(b *testing.B) {
	scan := builtins(b).Scanner(testIssuer)
	text := strings.Repeat("    at com.example.shop.Checkout.pays_with-card(Checkout.java:42)\nexpected: <200> but was: <500>\n", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		scan.Redact(text, nil)
	}
}
