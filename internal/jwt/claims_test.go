package jwt

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func withClaim(t *testing.T, name string) func(string) string {
	return func(value string) string {
		return forge(t, keyES(), headerOf(keyES()).String(), goodClaims().with(members{name: value}).String())
	}
}

// TestJ7_Types: no kind of token is taken for another, whoever signed it.
func TestJ7_Types(t *testing.T) {
	const access, assertion = 1, 2
	kinds := map[string]int{
		"": assertion, `"JWT"`: assertion, `"jwt"`: assertion, `"application/jwt"`: assertion,
		`"client-authentication+jwt"`: assertion, `"Client-Authentication+JWT"`: assertion,
		`"at+jwt"`: access, `"AT+JWT"`: access, `"At+jwt"`: access, `"application/at+jwt"`: access, `"Application/AT+JWT"`: access,
	}
	for _, kind := range []string{
		`""`, `"rt+jwt"`, `"session+jwt"`, `"dpop+jwt"`, `"id_token"`, `"logout+jwt"`, `"secevent+jwt"`, `"token-introspection+jwt"`,
		`"at+jwt "`, `" at+jwt"`, `"at jwt"`, `"at"`, `"text/at+jwt"`, `"application/application/at+jwt"`, `"at+jwt; charset=utf-8"`,
		`null`, `1`, `["at+jwt"]`, `{"at+jwt":1}`, `true`,
	} {
		kinds[kind] = 0
	}
	ring := newRing(t, Slot{Key: keyES()})
	set, err := ParseKeySet(ring.JWKS(start)) // even if our own keys were a client's
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range kinds {
		both := goodClaims().with(members{
			"iss": quote(issuer), "sub": quote(issuer), "aud": "[" + quote(audience) + "]", "exp": "1793534460",
		})
		token := forge(t, keyES(), headerOf(keyES()).with(members{"typ": kind}).String(), both.String())
		_, err := ring.Verify(token, start)
		if got := reasonOf(err); (want == access) != (got == "") || want != access && got != WrongType {
			t.Errorf("%s as an access token: %v", kind, err)
		}
		_, _, err = set.VerifyAssertion(token, Assertion{ClientID: issuer, Audience: audience, Now: start})
		if got := reasonOf(err); (want == assertion) != (got == "") || want != assertion && got != WrongType {
			t.Errorf("%s as an assertion: %v", kind, err)
		}
	}
}

// TestJ8_Claims: what is required is there, and everything has its type.
func TestJ8_Claims(t *testing.T) {
	wrong := []string{`null`, `1`, `true`, `""`, `[]`, `{}`, `[1]`, `[""]`, `[null]`, `["a",1]`, `[["a"]]`, `{"a":"b"}`}
	for _, name := range []string{"iss", "sub", "client_id", "jti", "aud", "scope", "exp", "iat"} {
		cases := map[string]Reason{"": BadClaims}
		for _, value := range wrong {
			cases[value] = BadClaims
		}
		switch name {
		case "iat":
			cases["1"] = ""
		case "exp":
			cases["1"] = BadClaims // before iat
		}
		refusals(t, cases, withClaim(t, name))
	}
	for _, name := range []string{"cid", "sid", "nbf", "gen", "projects", "act"} {
		cases := map[string]Reason{"": ""}
		for _, value := range wrong {
			cases[value] = BadClaims
		}
		if name == "nbf" || name == "gen" {
			cases["1"] = ""
		}
		refusals(t, cases, withClaim(t, name))
	}
	refusals(t, map[string]Reason{
		quote(issuer): "", quote(issuer + "/"): WrongIssuer, quote(strings.ToUpper(issuer)): WrongIssuer, quote(issuer + " "): WrongIssuer,
		quote(issuer + "\x00"): WrongIssuer, quote("https://gatehouse.test.evil.test"): WrongIssuer, `["` + issuer + `"]`: BadClaims,
	}, withClaim(t, "iss"))
	aud := func(list ...string) string { return `["` + strings.Join(list, `","`) + `"]` }
	refusals(t, map[string]Reason{
		aud(audience): "", aud("x", audience): "", aud(audience, "x"): "", aud("x"): WrongAudience, aud(audience + "/"): WrongAudience,
		aud(audience + "x"): WrongAudience, aud(audience[:len(audience)-1]): WrongAudience, aud(strings.ToUpper(audience)): WrongAudience,
		aud(audience + "," + audience): WrongAudience, aud(issuer): WrongAudience, quote(audience): BadClaims, aud(audience, ""): BadClaims,
		`["` + audience + `",1]`: BadClaims, `{"0":"` + audience + `"}`: BadClaims,
	}, withClaim(t, "aud"))
	refusals(t, map[string]Reason{
		`"a"`: "", `"a b"`: "", `"a  b"`: BadClaims, `" a"`: BadClaims, `"a "`: BadClaims, `"a\tb"`: BadClaims, `"a\nb"`: BadClaims,
		`"a\"b"`: BadClaims, `"a\\b"`: BadClaims, `"é"`: BadClaims, `"a\u0000"`: BadClaims, `["a"]`: BadClaims, `" "`: BadClaims,
	}, withClaim(t, "scope"))
	actor := func(n int) string {
		return strings.Repeat(`{"sub":"a","act":`, n-1) + `{"sub":"a"}` + strings.Repeat("}", n-1)
	}
	refusals(t, map[string]Reason{
		actor(1): "", actor(4): "", actor(5): BadClaims, actor(15): BadClaims, actor(16): Malformed, // the depth of any claims
		`{"sub":"a","client_id":"c"}`: "", `{"sub":"a","client_id":1}`: BadClaims, `{"sub":"a","act":null}`: BadClaims, `{"client_id":"c"}`: BadClaims,
	}, withClaim(t, "act"))
	refusals(t, map[string]Reason{"0": "", "2147483647": "", "2147483648": BadClaims, "-1": BadClaims, "1.0": BadClaims, "1e2": BadClaims}, withClaim(t, "gen"))
}

// TestJ8_Dates are whole seconds in range, and there is no leeway after exp.
func TestJ8_Dates(t *testing.T) {
	for _, name := range []string{"exp", "iat", "nbf"} {
		cases := map[string]Reason{"1e400": Malformed, "-1e400": Malformed, "01793534400": Malformed, "+1793534400": Malformed, "NaN": Malformed}
		for _, value := range []string{
			`"1793534400"`, "1793534400.0", "1793534400.5", "1.7935344e9", "-1", "-0", "-1793534400", "253402300800", "1e20",
			"9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999", "1793534400E0",
		} {
			cases[value] = BadClaims
		}
		refusals(t, cases, withClaim(t, name))
	}
	refusals(t, map[string]Reason{ // start is 1793534400
		"1793534401": "", "253402300799": "", "1793534400": BadClaims, "1793534399": BadClaims, "0": BadClaims, // not after iat
	}, withClaim(t, "exp"))
	refusals(t, map[string]Reason{"0": "", "1793534400": "", "1793534460": "", "1793534461": NotYetValid, "1793537999": NotYetValid, "1793538000": BadClaims}, withClaim(t, "iat"))
	refusals(t, map[string]Reason{"0": "", "1793534400": "", "1793534401": NotYetValid, "253402300799": NotYetValid}, withClaim(t, "nbf"))

	token := withClaim(t, "nbf")("1793534410")
	const tick = time.Nanosecond
	for _, c := range []struct {
		after time.Duration
		want  Reason
	}{
		{-time.Minute - tick, NotYetValid}, {-time.Minute, NotYetValid}, {10*time.Second - tick, NotYetValid}, {10 * time.Second, ""},
		{time.Hour - tick, ""}, {time.Hour, Expired}, {100 * 365 * 24 * time.Hour, Expired},
	} {
		_, err := newRing(t, Slot{Key: keyES()}).Verify(token, start.Add(c.after))
		if got := reasonOf(err); got != c.want {
			t.Errorf("after %v: got %v, want %q", c.after, err, c.want)
		}
	}
}

// TestJ11_StrictJSON: header and claims are JSON objects that any two readers
// read alike.
func TestJ11_StrictJSON(t *testing.T) {
	header, claims := headerOf(keyES()).String(), goodClaims().String()
	deep := func(n int) string { return strings.Repeat("[", n-1) + strings.Repeat("]", n-1) }
	for name, c := range map[string]struct {
		header, claims string
		want           Reason
	}{
		"good":                  {header, claims, ""},
		"spaces":                {" \t\r\n" + header + " \n", " " + claims + "\r\n", ""},
		"unknown members":       {header[:len(header)-1] + `,"x":[{"y":null}]}`, claims[:len(claims)-1] + `,"x":{"y":[1.5e3]}}`, ""},
		"alg twice":             {`{"alg":"none",` + header[1:], claims, Malformed},
		"alg twice, escaped":    {`{"\u0061lg":"none",` + header[1:], claims, Malformed},
		"kid twice":             {header[:len(header)-1] + `,"kid":"x"}`, claims, Malformed},
		"twice inside":          {`{"x":{"a":1,"a":1},` + header[1:], claims, Malformed},
		"sub twice":             {header, `{"sub":"admin",` + claims[1:], Malformed},
		"sub twice, escaped":    {header, `{"s\u0075b":"admin",` + claims[1:], Malformed},
		"claim twice inside":    {header, `{"x":[{"a":1,"\u0061":1}],` + claims[1:], Malformed},
		"another case":          {`{"ALG":"none",` + header[1:], `{"SUB":"admin",` + claims[1:], ""},
		"bad UTF-8":             {header, `{"x":"` + "\xff" + `",` + claims[1:], Malformed},
		"bad UTF-8 in a name":   {`{"` + "\xc0\xaf" + `":1,` + header[1:], claims, Malformed},
		"half a surrogate":      {header, `{"x":"\ud800",` + claims[1:], Malformed},
		"BOM":                   {"\xef\xbb\xbf" + header, claims, Malformed},
		"BOM before claims":     {header, "\xef\xbb\xbf" + claims, Malformed},
		"UTF-16":                {header, "\xfe\xff\x00{\x00}", Malformed},
		"two objects":           {header + "{}", claims, Malformed},
		"two objects of claims": {header, claims + claims, Malformed},
		"garbage after":         {header, claims + "x", Malformed},
		"NUL after":             {header, claims + "\x00", Malformed},
		"a list":                {"[" + header + "]", claims, Malformed},
		"a list of claims":      {header, "[" + claims + "]", Malformed},
		"text":                  {header, `"claims"`, Malformed},
		"null":                  {header, `null`, Malformed},
		"header is null":        {`null`, claims, Malformed},
		"comments":              {header, `{/**/` + claims[1:], Malformed},
		"trailing comma":        {header, claims[:len(claims)-1] + `,}`, Malformed},
		"single quotes":         {header, `{'x':1,` + claims[1:], Malformed},
		"too large a number":    {header, `{"x":1e400,` + claims[1:], Malformed},
		"header 4 deep":         {`{"x":` + deep(4) + "," + header[1:], claims, ""},
		"header 5 deep":         {`{"x":` + deep(5) + "," + header[1:], claims, Malformed},
		"claims 16 deep":        {header, `{"x":` + deep(16) + "," + claims[1:], ""},
		"claims 17 deep":        {header, `{"x":` + deep(17) + "," + claims[1:], Malformed},
		"claims 2500 deep":      {header, `{"x":` + deep(2500) + "," + claims[1:], Malformed},
	} {
		_, err := newRing(t, Slot{Key: keyES()}).Verify(forge(t, keyES(), c.header, c.claims), start)
		if got := reasonOf(err); got != c.want {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestJ11_Suite runs JSONTestSuite, each text by itself and as the value of a
// member. What the suite leaves open is decided here.
func TestJ11_Suite(t *testing.T) {
	allowed := map[string]bool{ // of what may be refused or not
		"i_number_double_huge_neg_exp": true, // almost nothing is zero
		"i_number_real_underflow":      true,
		"i_number_too_big_pos_int":     true, // as a date it is out of range
	}
	counts := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(readFile(t, "jsontestsuite.tsv")))
	for lines.Scan() {
		column := strings.Split(lines.Text(), "\t")
		if column[0] == "name" {
			continue
		}
		text, err := hex.DecodeString(column[2])
		if err != nil {
			t.Fatal(err)
		}
		name, expect := column[0], column[1]
		if expect == "either" {
			expect = map[bool]string{true: "accept", false: "reject"}[allowed[name]]
		}
		object := bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
		want := expect == "accept" && name != "y_object_duplicated_key" // which we never take
		if _, err := readObject(text, claimsDepth); (err == nil) != (want && object) {
			t.Errorf("%s: %q: %v", name, text, err)
		}
		if _, err := readObject([]byte(`{"value":`+string(text)+`}`), claimsDepth); (err == nil) != want {
			t.Errorf("%s as a value: %q: %v", name, text, err)
		}
		counts[column[1]]++
	}
	if counts["accept"] != 48 || counts["reject"] != 93 || counts["either"] != 18 {
		t.Errorf("the suite has %v", counts)
	}
}
