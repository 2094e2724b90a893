package webhook_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// forbidden has an address of each class that no webhook may reach.
var forbidden = map[string]string{
	"0.0.0.0": "this host", "0.1.2.3": "this network", "127.0.0.1": "loopback", "127.255.255.254": "loopback", "10.0.0.1": "private",
	"172.16.0.1": "private", "172.31.255.255": "private", "192.168.1.1": "private", "100.64.0.1": "shared by carriers", "100.127.255.255": "shared by carriers",
	"169.254.169.254": "metadata", "169.254.0.1": "link-local", "192.0.0.1": "protocol assignments", "192.0.2.1": "documentation",
	"198.51.100.1": "documentation", "203.0.113.1": "documentation", "192.88.99.1": "6to4 relay", "198.18.0.1": "benchmarks", "224.0.0.1": "multicast",
	"239.255.255.255": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "broadcast",
	"::": "unspecified", "::1": "loopback", "::ffff:127.0.0.1": "v4-mapped", "::ffff:10.0.0.1": "v4-mapped", "::ffff:8.8.8.8": "v4-mapped", "::127.0.0.1": "v4-compatible",
	"64:ff9b::7f00:1": "NAT64", "64:ff9b::808:808": "NAT64", "64:ff9b:1::1": "local NAT64", "100::1": "discard", "2001::1": "Teredo", "2001:db8::1": "documentation",
	"2002:7f00:1::": "6to4", "2002:a00:1::1": "6to4", "fc00::1": "unique local", "fd00:ec2::254": "metadata", "fe80::1": "link-local", "fec0::1": "site-local", "ff02::1": "multicast",
}

var public = []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"}

// TestW3_AddressClasses: each class of addresses is refused when it is dialled,
// and where it stands in a URL; those of the internet aren't.
func TestW3_AddressClasses(t *testing.T) {
	t.Parallel()
	targets := webhook.Targets{}
	check := func(text string) (dial, url error) {
		addr := netip.MustParseAddr(text)
		network, host := "tcp4", text
		if addr.Is6() {
			network, host = "tcp6", "["+text+"]"
		}
		_, url = targets.CheckURL("url", "https://"+host+"/hook")
		return targets.CheckDial("hooks.example.com", network, netip.AddrPortFrom(addr, 443).String()), url
	}
	for text, class := range forbidden {
		if dial, url := check(text); !errors.Is(dial, webhook.ErrForbidden) || !errors.Is(url, credential.Invalid) {
			t.Errorf("%s (%s): dialled %v, in a URL %v", text, class, dial, url)
		}
	}
	for _, text := range public {
		if dial, url := check(text); dial != nil || url != nil {
			t.Errorf("%s: dialled %v, in a URL %v", text, dial, url)
		}
	}
	for what, address := range map[string]string{"port 80": "8.8.8.8:80", "SSH": "8.8.8.8:22", "no address": "hooks.example.com:443", "a zone": "[fe80::1%eth0]:443"} {
		if err := targets.CheckDial("hooks.example.com", "tcp4", address); !errors.Is(err, webhook.ErrForbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := targets.CheckDial("hooks.example.com", "udp4", "8.8.8.8:443"); !errors.Is(err, webhook.ErrForbidden) {
		t.Errorf("UDP: %v", err)
	}
}

// TestW3_URLs: which URLs may be registered, and how they are stored.
func TestW3_URLs(t *testing.T) {
	t.Parallel()
	targets := webhook.Targets{}
	for text, want := range map[string]string{
		"https://hooks.example.com/a?b=c": "https://hooks.example.com/a?b=c", "https://HOOKS.Example.com": "https://hooks.example.com",
		"https://hooks.example.com:8443/": "https://hooks.example.com:8443/", "https://hooks.example.com.": "https://hooks.example.com",
		"https://bücher.example/x": "https://xn--bcher-kva.example/x", "https://ｅｘａｍｐｌｅ.com": "https://example.com", "HTTPS://8.8.8.8": "https://8.8.8.8",
		"https://[2606:4700:4700::1111]:443/": "https://[2606:4700:4700::1111]:443/",
	} {
		if got, err := targets.CheckURL("url", text); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %s", text, got, err, want)
		}
	}
	for what, text := range map[string]string{
		"plain HTTP": "http://hooks.example.com/", "FTP": "ftp://hooks.example.com/", "a file": "file:///etc/passwd", "no scheme": "hooks.example.com", "gopher": "gopher://hooks.example.com/",
		"nothing": "", "no host": "https:///x", "opaque": "https:hooks.example.com", "localhost": "https://localhost/", "a name without a dot": "https://intranet/",
		"below localhost": "https://x.localhost/", "mDNS": "https://printer.local/", "inside": "https://metadata.google.internal/", "reverse": "https://1.0.0.127.in-addr.arpa/",
		"decimal": "https://2130706433/", "octal": "https://0177.0.0.1/", "hexadecimal": "https://0x7f.0.0.1/", "hexadecimal whole": "https://a.0x7f000001/", "short": "https://127.1/",
		"full-width digits": "https://１２７.０.０.１/", "full-width dots": "https://127。0。0。1/", "user": "https://a:b@hooks.example.com/", "user trick": "https://hooks.example.com@127.0.0.1/",
		"fragment": "https://hooks.example.com/#x", "empty fragment": "https://hooks.example.com/#", "backslash": `https://hooks.example.com\@127.0.0.1/`, "blank": "https://hooks.example.com/a b",
		"line end": "https://hooks.example.com/\r\nX: y", "port 80": "https://hooks.example.com:80/", "SSH": "https://hooks.example.com:22/",
		"long": "https://hooks.example.com/" + strings.Repeat("x", 2048), "empty label": "https://hooks..example.com/", "zone": "https://[fe80::1%25eth0]/", "not IDNA": "https://xn--a.example/",
		"mapped": "https://[::ffff:127.0.0.1]/", "escaped host": "https://%31%32%37.0.0.1/",
	} {
		if got, err := targets.CheckURL("url", text); !errors.Is(err, credential.Invalid) {
			t.Errorf("%s: %s is taken as %q, %v", what, text, got, err)
		}
	}
}

// TestW3_Loopback: with the setting this very machine may be reached, by its
// name or address in the URL and not by any other that means it.
func TestW3_Loopback(t *testing.T) {
	t.Parallel()
	on, off := webhook.Targets{Loopback: true}, webhook.Targets{}
	for _, text := range []string{"http://127.0.0.1:9000/x", "http://localhost:1/", "https://[::1]:9000/"} {
		if _, err := on.CheckURL("url", text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := off.CheckURL("url", text); err == nil {
			t.Errorf("%s is taken without the setting", text)
		}
	}
	for _, text := range []string{"http://hooks.example.com/", "http://10.0.0.1/", "https://192.168.0.1/", "ftp://127.0.0.1/", "http://0.0.0.0/", "http://127.1/"} {
		if _, err := on.CheckURL("url", text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	for _, c := range []struct {
		host, address string
		may           bool
	}{
		{"127.0.0.1", "127.0.0.1:9000", true}, {"localhost", "[::1]:9000", true}, {"localhost", "8.8.8.8:443", false}, {"localhost", "10.0.0.1:443", false},
		{"hooks.example.com", "127.0.0.1:443", false}, {"hooks.example.com", "8.8.8.8:443", true},
	} {
		network := "tcp4"
		if strings.HasPrefix(c.address, "[") {
			network = "tcp6"
		}
		if err := on.CheckDial(c.host, network, c.address); (err == nil) != c.may {
			t.Errorf("%s at %s: %v", c.host, c.address, err)
		}
	}
}

// FuzzCheckURL: what is taken is HTTPS to a host of the internet, by Go's own
// reading of it, and is its own one spelling.
func FuzzCheckURL(f *testing.F) {
	for _, text := range []string{"https://hooks.example.com:8443/a?b=c", "https://bücher.example", "https://[2606:4700:4700::1111]/", "https://8.8.8.8", "https://127.0.0.1", "https://0x7f.1/", `https://a.b\@c`, "https://a.b./%2e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		targets := webhook.Targets{}
		got, err := targets.CheckURL("url", text)
		if err != nil {
			return
		}
		if again, err := targets.CheckURL("url", got); err != nil || again != got {
			t.Errorf("%q becomes %q, and that %q, %v", text, got, again, err)
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q becomes %q: %v", text, got, err)
		}
		addr, err := netip.ParseAddr(u.Hostname())
		if err == nil && targets.CheckDial(u.Hostname(), map[bool]string{true: "tcp4", false: "tcp6"}[addr.Is4()], netip.AddrPortFrom(addr, 443).String()) != nil {
			t.Errorf("%q becomes %q, which isn't dialled", text, got)
		}
		if err != nil && (!strings.Contains(u.Hostname(), ".") || strings.ToLower(u.Hostname()) != u.Hostname()) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
