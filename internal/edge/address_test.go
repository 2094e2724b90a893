package edge

import (
	"net/http"
	"net/netip"
	"testing"
)

func prefixes(t testing.TB, texts ...string) (list []netip.Prefix) {
	t.Helper()
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// forwarded is who is the client when a peer says something.
type forwarded struct {
	name    string
	peer    string
	trusted []string
	lines   []string
	want    string // empty: unknown
}

func forwardings() []forwarded {
	trusted := []string{"10.0.0.0/8", "fd00::/8"}
	return []forwarded{
		{"nobody is trusted", "10.0.0.1:1", nil, []string{"203.0.113.7"}, "10.0.0.1"},
		{"the peer is not trusted", "198.51.100.1:1", trusted, []string{"203.0.113.7"}, "198.51.100.1"},
		{"the peer is trusted", "10.0.0.1:1", trusted, []string{"203.0.113.7"}, "203.0.113.7"},
		{"the peer is trusted and says nothing", "10.0.0.1:1", trusted, nil, "10.0.0.1"},
		{"rightmost that is not trusted", "10.0.0.1:1", trusted, []string{"203.0.113.9, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"what a client wrote itself is left of it", "10.0.0.1:1", trusted, []string{"127.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{"two lines, in order", "10.0.0.1:1", trusted, []string{"203.0.113.9", "203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"second line all trusted", "10.0.0.1:1", trusted, []string{"203.0.113.9", "10.0.0.3, 10.0.0.2"}, "203.0.113.9"},
		{"all are trusted", "10.0.0.1:1", trusted, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no spaces, many spaces", "10.0.0.1:1", trusted, []string{"203.0.113.9,203.0.113.7,   10.0.0.2\t"}, "203.0.113.7"},
		{"malformed nearest", "10.0.0.1:1", trusted, []string{"203.0.113.7, unknown"}, ""},
		{"malformed behind a proxy", "10.0.0.1:1", trusted, []string{"203.0.113.7, x, 10.0.0.2"}, ""},
		{"malformed left of the client is not read", "10.0.0.1:1", trusted, []string{"x, 203.0.113.7"}, "203.0.113.7"},
		{"empty header", "10.0.0.1:1", trusted, []string{""}, ""},
		{"empty entry", "10.0.0.1:1", trusted, []string{"203.0.113.7,"}, ""},
		{"empty second line", "10.0.0.1:1", trusted, []string{"203.0.113.7", ""}, ""},
		{"comma alone", "10.0.0.1:1", trusted, []string{","}, ""},
		{"with a port", "10.0.0.1:1", trusted, []string{"203.0.113.7:443"}, ""},
		{"in brackets", "10.0.0.1:1", trusted, []string{"[2001:db8::1]"}, ""},
		{"in quotes", "10.0.0.1:1", trusted, []string{`"203.0.113.7"`}, ""},
		{"with a zone", "10.0.0.1:1", trusted, []string{"fe80::1%eth0"}, ""},
		{"leading zeros", "10.0.0.1:1", trusted, []string{"203.0.113.007"}, ""},
		{"octal", "10.0.0.1:1", trusted, []string{"0313.0.0161.07"}, ""},
		{"decimal", "10.0.0.1:1", trusted, []string{"3405803783"}, ""},
		{"hexadecimal", "10.0.0.1:1", trusted, []string{"0xcb.0x0.0x71.0x7"}, ""},
		{"three parts", "10.0.0.1:1", trusted, []string{"203.0.113"}, ""},
		{"a prefix", "10.0.0.1:1", trusted, []string{"203.0.113.0/24"}, ""},
		{"RFC 7239 in the wrong header", "10.0.0.1:1", trusted, []string{"for=203.0.113.7"}, ""},
		{"full-width digits", "10.0.0.1:1", trusted, []string{"２03.0.113.7"}, ""},
		{"IPv4 in IPv6 is IPv4", "10.0.0.1:1", trusted, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{"a trusted proxy in IPv6 clothing", "10.0.0.1:1", trusted, []string{"203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7"},
		{"the peer in IPv6 clothing", "[::ffff:10.0.0.1]:1", trusted, []string{"203.0.113.7"}, "203.0.113.7"},
		{"the peer is IPv6", "[fd00::1]:1", trusted, []string{"2001:db8::7"}, "2001:db8::7"},
		{"the peer has a zone", "[fd00::1%eth0]:1", trusted, []string{"2001:db8::7"}, "2001:db8::7"},
		{"first address of a prefix", "10.0.0.0:1", trusted, []string{"203.0.113.7"}, "203.0.113.7"},
		{"last address of a prefix", "10.255.255.255:1", trusted, []string{"203.0.113.7"}, "203.0.113.7"},
		{"before the first", "9.255.255.255:1", trusted, []string{"203.0.113.7"}, "9.255.255.255"},
		{"behind the last", "11.0.0.0:1", trusted, []string{"203.0.113.7"}, "11.0.0.0"},
		{"a Unix socket", "@", trusted, []string{"203.0.113.7"}, ""},
		{"no peer", "", trusted, []string{"203.0.113.7"}, ""},
	}
}

// TestI1_ClientAddress: proxies are believed only where they are listed, and
// only as far as the nearest address that is none of them.
func TestI1_ClientAddress(t *testing.T) {
	for _, c := range forwardings() {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, line := range c.lines {
			r.Header.Add("X-Forwarded-For", line)
		}
		for _, name := range []string{"X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP", "X-Forwarded-Host"} { // none is read
			r.Header.Set(name, "192.0.2.66")
		}
		got := clientAddress(r, prefixes(t, c.trusted...))
		if got.IsValid() != (c.want != "") || got.IsValid() && got.String() != c.want {
			t.Errorf("%s: got %v, want %q", c.name, got, c.want)
		}
	}
}

// FuzzClientAddress: whatever the header says, an untrusted peer is the
// client, and what a trusted one says is an address without a zone, or none.
func FuzzClientAddress(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "a, b", ",,,", "::ffff:10.0.0.1, 10.0.0.2", "fe80::1%25eth0", "[::1]:80", "1.2.3.4\x00", " \t,"} {
		f.Add(seed, seed)
	}
	trusted := prefixes(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, first, second string) {
		header := http.Header{"X-Forwarded-For": {first, second}}
		outside := clientAddress(&http.Request{RemoteAddr: "198.51.100.1:1", Header: header}, trusted)
		if outside.String() != "198.51.100.1" {
			t.Errorf("an untrusted peer is taken for %v", outside)
		}
		got := clientAddress(&http.Request{RemoteAddr: "10.0.0.1:1", Header: header}, trusted)
		if got.IsValid() && (got.Zone() != "" || got.Is4In6()) {
			t.Errorf("%q, %q: got %v, which has another spelling", first, second, got)
		}
	})
}
