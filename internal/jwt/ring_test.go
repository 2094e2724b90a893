package jwt

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSignAndVerify(t *testing.T) {
	for _, key := range []*Key{keyES(), keyRS()} {
		ring := newRing(t, Slot{Key: key})
		full := someClaims()
		full.NotBefore, full.ExpiresAt = start, start.Add(90*time.Minute)
		full.Audience = []string{"https://other.test", audience}
		full.Credential, full.Generation, full.Session = "0199a0c3-credential", 7, "0199a0c3-session"
		full.Projects = []string{"0199a0c3-p1", "0199a0c3-p2"}
		full.Actor = &Actor{Subject: "a4", Actor: &Actor{Subject: "a3", ClientID: "c3", Actor: &Actor{Subject: "a2", Actor: &Actor{Subject: "a1"}}}}
		plain := someClaims()
		for _, want := range []Claims{full, plain} {
			token := mustSign(t, ring, want, start.Add(300*time.Millisecond))
			want.Issuer, want.IssuedAt = issuer, start
			if want.Audience == nil {
				want.Audience = []string{audience}
			}
			for range 2 { // the second time from the cache
				got, err := ring.Verify(token, start.Add(time.Second))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(*got, want); diff != "" {
					t.Errorf("%v: -got +want\n%s", key, diff)
				}
			}
			if !Looks(token) {
				t.Errorf("%v: the token doesn't look like one", key)
			}
		}
	}
}

// TestSignRefuses whatever Verify would refuse.
func TestSignRefuses(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	five := &Actor{Subject: "5"}
	for range 4 {
		five = &Actor{Subject: "n", Actor: five}
	}
	loop := &Actor{Subject: "loop"}
	loop.Actor = loop
	for name, c := range map[string]struct {
		change func(*Claims)
		want   Reason
	}{
		"no subject":         {func(c *Claims) { c.Subject = "" }, BadClaims},
		"no client":          {func(c *Claims) { c.ClientID = "" }, BadClaims},
		"no jti":             {func(c *Claims) { c.ID = "" }, BadClaims},
		"no scope":           {func(c *Claims) { c.Scope = nil }, BadClaims},
		"scope with a space": {func(c *Claims) { c.Scope = []string{"a  b"} }, BadClaims},
		"empty scope":        {func(c *Claims) { c.Scope = []string{"a", ""} }, BadClaims},
		"no end":             {func(c *Claims) { c.ExpiresAt = time.Time{} }, BadClaims},
		"ended":              {func(c *Claims) { c.ExpiresAt = start }, BadClaims},
		"beyond years":       {func(c *Claims) { c.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, BadClaims},
		"before 1970":        {func(c *Claims) { c.NotBefore = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) }, BadClaims},
		"negative":           {func(c *Claims) { c.Generation = -1 }, BadClaims},
		"not UTF-8":          {func(c *Claims) { c.Subject = "\xff" }, BadClaims},
		"empty audience":     {func(c *Claims) { c.Audience = []string{audience, ""} }, BadClaims},
		"empty project":      {func(c *Claims) { c.Projects = []string{""} }, BadClaims},
		"five actors":        {func(c *Claims) { c.Actor = five }, BadClaims},
		"endless actors":     {func(c *Claims) { c.Actor = loop }, BadClaims},
		"nameless actor":     {func(c *Claims) { c.Actor = &Actor{ClientID: "c"} }, BadClaims},
		"too large":          {func(c *Claims) { c.Projects = []string{strings.Repeat("p", MaxSize)} }, TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			claims := someClaims()
			c.change(&claims)
			token, err := ring.Sign(claims, start)
			wantReason(t, err, c.want)
			if token != "" {
				t.Error("there is a token all the same")
			}
		})
	}
}

func TestNewRingRefuses(t *testing.T) {
	one := []Slot{{Key: keyES()}}
	many := make([]Slot, maxSlots+1)
	for i := range many {
		many[i].Key = mustGenerate(ES256)
	}
	for name, c := range map[string]struct {
		issuer, audience string
		slots            []Slot
	}{
		"no issuer":             {"", audience, one},
		"no audience":           {issuer, "", one},
		"no keys":               {issuer, audience, nil},
		"too many keys":         {issuer, audience, many},
		"an empty slot":         {issuer, audience, []Slot{{}}},
		"a key of nothing":      {issuer, audience, []Slot{{Key: &Key{ID: "x", Algorithm: ES256}}}},
		"a key twice":           {issuer, audience, []Slot{one[0], one[0]}},
		"retired before it was": {issuer, audience, []Slot{{Key: keyES(), SignsFrom: start, VerifiesUntil: start}}},
	} {
		if ring, err := NewRing(c.issuer, c.audience, c.slots); err == nil || ring != nil {
			t.Errorf("%s: got %v, %v", name, ring, err)
		}
	}
}

func TestLooks(t *testing.T) {
	for text, want := range map[string]bool{
		"eyJ.x.y": true, "eyJ..": true,
		"": false, "eyJ": false, "eyJ.x": false, "eyJ.a.b.c": false, "ey.J.x": false, "bsk_live_x.y.z": false, " eyJ.x.y": false,
		strings.Repeat(".", 1<<20): false,
	} {
		if got := Looks(text); got != want {
			t.Errorf("%.20q: got %v", text, got)
		}
	}
}

// TestJ10_Size: what is too large costs nothing; 1 MB of dots less than 1 ms
// and 64 KiB.
func TestJ10_Size(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	largest, tooLarge := "", ""
	for n := MaxSize / 2; tooLarge == ""; n++ {
		token := forge(t, keyES(), headerOf(keyES()).String(), goodClaims().with(members{"x": quote(strings.Repeat("x", n))}).String())
		if len(token) <= MaxSize {
			largest = token
		} else {
			tooLarge = token
		}
	}
	if len(largest) < MaxSize-1 {
		t.Fatalf("the largest token has %d bytes", len(largest))
	}
	_, err := ring.Verify(largest, start)
	wantReason(t, err, "")
	_, err = ring.Verify(tooLarge, start)
	wantReason(t, err, TooLarge)

	dots := strings.Repeat(".", 1<<20)
	letters := "eyJ" + strings.Repeat("a", 1<<20) + ".a.a"
	for name, refuse := range map[string]func() error{
		"dots":      func() error { _, err := ring.Verify(dots, start); return err },
		"letters":   func() error { _, err := ring.Verify(letters, start); return err },
		"assertion": func() error { _, _, err := KeySet{}.VerifyAssertion(dots, Assertion{}); return err },
		"looks":     func() error { Looks(dots); Looks(letters); return TooLarge },
	} {
		wantReason(t, refuse(), TooLarge)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fastest := time.Hour
		for range 10 {
			begin := time.Now()
			_ = refuse()
			fastest = min(fastest, time.Since(begin))
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / 10; bytes > 64<<10 || fastest > time.Millisecond {
			t.Errorf("%s: %d bytes in %v", name, bytes, fastest)
		}
	}
}

// TestJ13_Rotation: a key is published before it signs, and its tokens are good
// until its end and not after.
func TestJ13_Rotation(t *testing.T) {
	first, second := mustGenerate(ES256), mustGenerate(ES256)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	ring := newRing(t,
		Slot{Key: second, SignsFrom: hour(2), VerifiesUntil: hour(8)}, // order doesn't matter
		Slot{Key: first, SignsFrom: start, VerifiesUntil: hour(4)})
	claims := someClaims()
	claims.ExpiresAt = hour(100)
	sign := func(now time.Time) string { return mustSign(t, ring, claims, now) }
	early, late := sign(hour(1)), sign(hour(3))

	const tick = time.Millisecond
	for _, c := range []struct {
		now       time.Time
		published []*Key
		signer    *Key
		early     Reason
		late      Reason
	}{
		{start.Add(-tick), []*Key{first, second}, nil, NotYetValid, NotYetValid},
		{start, []*Key{first, second}, first, NotYetValid, NotYetValid},
		{hour(1), []*Key{first, second}, first, "", NotYetValid},
		{hour(2).Add(-tick), []*Key{first, second}, first, "", NotYetValid},
		{hour(2), []*Key{first, second}, second, "", NotYetValid},
		{hour(4).Add(-tick), []*Key{first, second}, second, "", ""},
		{hour(4), []*Key{second}, second, UnknownKey, ""},
		{hour(8).Add(-tick), []*Key{second}, second, UnknownKey, ""},
		{hour(8), nil, nil, UnknownKey, UnknownKey},
	} {
		fresh := newRing(t, ring.slots()...) // knows no token
		for _, r := range []*Ring{ring, fresh} {
			_, err := r.Verify(early, c.now)
			wantReason(t, err, c.early)
			_, err = r.Verify(late, c.now)
			wantReason(t, err, c.late)
			if got, want := publishedIDs(t, r.JWKS(c.now)), ids(c.published); !slices.Equal(got, want) {
				t.Errorf("%v: published %v, want %v", c.now, got, want)
			}
			token, err := r.Sign(claims, c.now)
			if got := keyIDOf(t, token); got != idOf(c.signer) || (err == nil) != (c.signer != nil) {
				t.Errorf("%v: signed by %q, want %q: %v", c.now, got, idOf(c.signer), err)
			}
		}
	}
	without := newRing(t, Slot{Key: second})
	_, err := without.Verify(early, hour(3))
	wantReason(t, err, UnknownKey)
}

// TestJ13_PublicMembers: a published key has its public members, and no other.
func TestJ13_PublicMembers(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()}, Slot{Key: keyRS(), SignsFrom: start})
	set, err := readObject(ring.JWKS(start), maxMembers)
	if err != nil || len(set) != 1 {
		t.Fatalf("got %s", ring.JWKS(start))
	}
	for i, want := range []struct {
		key   *Key
		names []string
	}{
		{keyES(), []string{"alg", "crv", "kid", "kty", "use", "x", "y"}},
		{keyRS(), []string{"alg", "e", "kid", "kty", "n", "use"}},
	} {
		published := publishedKeys(t, ring.JWKS(start))[i]
		if got := sortedNames(published); !slices.Equal(got, want.names) {
			t.Errorf("%v: published are %v", want.key, got)
		}
		id, alg, use := textOf(published, "kid"), textOf(published, "alg"), textOf(published, "use")
		if id != want.key.ID || alg != string(want.key.Algorithm) || use != "sig" {
			t.Errorf("%v: kid %s, alg %s, use %s", want.key, id, alg, use)
		}
	}
	if _, err := ParseKeySet(ring.JWKS(start)); err != nil {
		t.Errorf("our own key set is refused: %v", err)
	}
}

// TestVerifyRepeated: what is remembered of a token is that it was signed, and
// never that it is good now.
func TestVerifyRepeated(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	claims := someClaims()
	claims.NotBefore = start.Add(time.Minute)
	token := mustSign(t, ring, claims, start)
	const tick = time.Millisecond
	for _, c := range []struct {
		now  time.Time
		want Reason
	}{
		{start, NotYetValid}, {start.Add(time.Minute - tick), NotYetValid}, {start.Add(time.Minute), ""},
		{start.Add(time.Minute), ""}, {start.Add(time.Minute - tick), NotYetValid}, {start.Add(time.Hour - tick), ""},
		{start.Add(time.Hour), Expired}, {start.Add(time.Hour + tick), Expired}, {start.Add(time.Minute), ""},
	} {
		_, err := ring.Verify(token, c.now)
		wantReason(t, err, c.want)
	}
	for i := range len(token) { // one other character is another token
		changed := []byte(token)
		changed[i] ^= 1
		if _, err := ring.Verify(string(changed), start.Add(time.Minute)); err == nil {
			t.Errorf("byte %d may be anything", i)
		}
	}
}

func TestVerifyRepeatedAllocatesNothing(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	token := mustSign(t, ring, someClaims(), start)
	if n := testing.AllocsPerRun(100, func() { _, _ = ring.Verify(token, start) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	var c cache
	for i := range 3 * shardEntries {
		key := digest{0: 5, 1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16)}
		c.put(key, &verified{size: 100})
		c.put(key, &verified{size: 100}) // again is no second entry
		if c.get(key) == nil {
			t.Fatal("what was just put in is gone")
		}
	}
	s := c.shard(digest{0: 5})
	if len(s.entries) != shardEntries || s.size != 100*shardEntries {
		t.Errorf("%d entries of %d bytes", len(s.entries), s.size)
	}
	for i := range shardEntries {
		c.put(digest{0: 5, 9: 1, 1: byte(i), 2: byte(i >> 8)}, &verified{size: MaxSize})
	}
	total := 0
	for _, v := range s.entries {
		total += v.size
	}
	if total != s.size || total > shardBytes || total < shardBytes-MaxSize {
		t.Errorf("%d entries of %d bytes, counted as %d", len(s.entries), total, s.size)
	}
	claims := someClaims()
	for i := range 50 { // refused tokens take no room
		claims.ID = fmt.Sprint(i)
		_, _ = ring.Verify(mustSign(t, ring, claims, start), claims.ExpiresAt)
		_, _ = ring.Verify(fmt.Sprint("eyJ.x.", i), start)
	}
	for i := range ring.cache {
		if n := len(ring.cache[i].entries); n != 0 {
			t.Errorf("shard %d has %d refused tokens", i, n)
		}
	}
}

func TestRingConcurrently(t *testing.T) {
	ring := newRing(t, Slot{Key: keyES()})
	tokens := make([]string, 20)
	for i := range tokens {
		claims := someClaims()
		claims.ID = fmt.Sprint(i)
		tokens[i] = mustSign(t, ring, claims, start)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for round := range 20 {
				for i, token := range tokens {
					now := start.Add(time.Duration(round%2) * time.Hour)
					claims, err := ring.Verify(token, now)
					if (err == nil) != (round%2 == 0) || err == nil && claims.ID != fmt.Sprint(i) {
						t.Errorf("token %d: %v, %v", i, claims, err)
					}
				}
				ring.JWKS(start)
			}
		})
	}
	all.Wait()
}
