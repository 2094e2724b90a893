package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Bounds of what is registered.
const (
	maxURL         = 2048
	maxDescription = 500
)

// ErrForbidden means that a message may not be sent to an address.
var ErrForbidden = errors.New("the address is not one that webhooks are sent to")

// Targets says where messages may be sent: to the public internet by HTTPS.
type Targets struct {
	// Loopback lets them go to this very machine too, by HTTP and to any port,
	// for trying things out.
	Loopback bool
	// Private are hosts that may stand at any address, by HTTPS and on any port:
	// those of a network of one's own. This machine is reached by HTTP as well.
	Private []string
}

// ports are those that messages are sent to.
var ports = []uint16{443, 8443}

// guardian knows which addresses are of the public internet.
func guardian() *ssrf.Guardian { return ssrf.New(ssrf.WithPorts(ports...)) }

// CheckURL reads the URL of an endpoint and returns it in its one spelling, with
// the host in ASCII.
func (t Targets) CheckURL(field, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return "", credential.InvalidField(field, "must have at most %d characters", maxURL)
	case err != nil || !utf8.ValidString(text) || u.Host == "" || u.Opaque != "" || strings.ContainsAny(text, "\\ \t\r\n"):
		return "", credential.InvalidField(field, "must be a URL such as https://hooks.example.com/gatehouse")
	case u.User != nil:
		return "", credential.InvalidField(field, "must not hold a user or password")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "", credential.InvalidField(field, "must not have a fragment")
	}
	if (t.Loopback || t.private(u.Hostname())) && isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https") {
		return u.String(), nil
	}
	if u.Scheme != "https" {
		return "", credential.InvalidField(field, "must begin with https://")
	}
	if t.private(u.Hostname()) {
		return u.String(), nil
	}
	host, err := checkHost(u.Hostname())
	if err != nil {
		return "", credential.InvalidField(field, "%v", err)
	}
	if port := u.Port(); port == "" {
		u.Host = host
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || !slices.Contains(ports, uint16(n)) {
		return "", credential.InvalidField(field, "the port must be 443 or 8443")
	} else {
		u.Host = host + ":" + port
	}
	return u.String(), nil
}

// checkHost returns a name in ASCII (IDNA), or an address of the public
// internet as it stands in a URL.
func checkHost(host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" || guardian().SafeAddr(addr) != nil {
			return "", fmt.Errorf("%s is no address of the public internet", host)
		}
		if addr.Is6() {
			return "[" + addr.String() + "]", nil
		}
		return addr.String(), nil
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	again, unstable := idna.Lookup.ToASCII(name)
	if err != nil || unstable != nil || again != name || len(name) > 253 {
		return "", errors.New("the host is no name that the internet knows")
	}
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	switch {
	case len(labels) < 2 || slices.Contains(labels, ""):
		return "", errors.New("the host must be a whole name, such as hooks.example.com")
	case strings.Trim(last, "0123456789") == "", strings.HasPrefix(last, "0x"):
		return "", errors.New("an address must be written the usual way, such as 192.0.2.1")
	case slices.Contains([]string{"localhost", "local", "internal", "localdomain", "arpa", "onion"}, last):
		return "", errors.New("the host must be a name of the public internet")
	}
	return name, nil
}

// CheckDescription bounds what is said of an endpoint; it may be empty.
func CheckDescription(field, text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	return credential.CheckText(field, text, maxDescription)
}

// isLoopback recognises this machine by the name or address in a URL.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback() && addr.Zone() == ""
}

// private recognises a host that may stand anywhere, by its one spelling.
func (t Targets) private(host string) bool {
	return host != "" && slices.Contains(t.Private, strings.ToLower(host))
}

// CheckDial is asked when a connection is about to be made to an address, which
// the host of the URL was found to have.
func (t Targets) CheckDial(host, network, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: it can't be read", ErrForbidden)
	}
	if t.Loopback && isLoopback(host) {
		if !to.Addr().IsLoopback() {
			return fmt.Errorf("%w: %s is not this machine", ErrForbidden, host)
		}
		return nil
	}
	if t.private(host) {
		return nil
	}
	if err := guardian().Safe(network, address, nil); err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return nil
}
