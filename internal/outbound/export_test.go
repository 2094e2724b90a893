package outbound

import (
	"context"
	"crypto/x509"
	"net"
	"time"
)

// Reroute leads every connection of a Mailer to an address, and lets it trust
// the authorities of a test.
func (m *Mailer) Reroute(address string, trusted *x509.CertPool) {
	m.tls.RootCAs = trusted
	m.dialer = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// Timeout sets how long an exchange with an endpoint may take.
func (p *Poster) Timeout(d time.Duration) { p.timeout = d }

// Resolve has a Poster ask another resolver, and tells of each address that it
// may dial and is about to; an error keeps it from that.
func (p *Poster) Resolve(resolver *net.Resolver, dialling func(address string) error) {
	p.resolver, p.dialling = resolver, dialling
}
