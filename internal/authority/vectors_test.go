package authority_test

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// rfcSeed is a source of random numbers that gives every second factor the
// seed of the RFCs' vectors.
type rfcSeed struct{}

func (rfcSeed) Read(p []byte) (int, error) {
	const seed = "12345678901234567890"
	if len(p) == len(seed) {
		return copy(p, seed), nil
	}
	return rand.Read(p)
}

// vector is a code of that seed and its time.
type vector struct {
	code string
	at   time.Time
}

// rfcVectors reads the codes of SHA-1: those of RFC 6238, whose last 6 of 8
// digits are the code of 6 digits, and those of RFC 4226, whose counter is the
// number of a time step. Step 0, half a minute of the year 1970, has no code.
func rfcVectors(t *testing.T) (list []vector) {
	t.Helper()
	var file struct {
		TOTP []struct {
			Time           int64
			Algorithm, OTP string
		}
		HOTP []struct {
			Counter int64
			OTP     string
		}
	}
	text, err := os.ReadFile("testdata/rfc6238_rfc4226.json")
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range file.TOTP {
		if v.Algorithm == "SHA1" {
			list = append(list, vector{v.OTP[2:], time.Unix(v.Time, 0)})
		}
	}
	for _, v := range file.HOTP {
		if v.Counter > 0 {
			list = append(list, vector{v.OTP, time.Unix(v.Counter*30, 0)})
		}
	}
	slices.SortFunc(list, func(a, b vector) int { return cmp.Compare(a.at.Unix(), b.at.Unix()) })
	if len(list) != 6+9 {
		t.Fatalf("%d vectors of SHA-1, want 15", len(list))
	}
	return list
}

// L-5: codes are those of RFC 6238 and RFC 4226, at their time; the same code
// two steps later is wrong.
func TestL5_Vectors(t *testing.T) {
	w := newAuthority(t, storetest.SQLite(t), rfcSeed{})
	w.org = w.organization("Acme")
	for i, v := range rfcVectors(t) {
		w.clock.set(v.at)
		name := "user" + strconv.Itoa(i)
		w.person(name, credential.Member)
		p := w.session(name)
		setup, err := w.SetUpTwoFactor(background, p, password)
		w.ok(err)
		if got, want := setup.Secret.Reveal(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"; got != want {
			t.Fatalf("the seed is %s, want the RFC's %s", got, want)
		}
		w.clock.advance(time.Minute)
		if err := w.EnableTwoFactor(background, p, v.code); err == nil {
			t.Errorf("%s of %s works two steps later", v.code, v.at.UTC())
		}
		w.clock.set(v.at)
		if err := w.EnableTwoFactor(background, p, v.code); err != nil {
			t.Errorf("%s at %s: got %v", v.code, v.at.UTC(), err)
		}
	}
}
