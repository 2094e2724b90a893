package outbound

import (
	"context"
	"crypto/x509"
	"net"
)

// Reroute leads every connection of a Mailer to an address, and lets it trust
// the authorities of a test.
func (m *Mailer) Reroute(address string, trusted *x509.CertPool) {
	m.tls.RootCAs = trusted
	m.dialer = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}
