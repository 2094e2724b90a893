package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress tells who is calling: the peer, or what trusted proxies say of
// it in X-Forwarded-For. The header is read from the right, the side that the
// nearest proxy wrote, to the first address that is no trusted proxy. Where an
// entry is no address, nothing is known of the client.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // a Unix socket has none
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if len(trusted) == 0 || !contains(trusted, addr) {
		return addr
	}
	lines := r.Header.Values("X-Forwarded-For")
	for _, line := range slices.Backward(lines) {
		for {
			cut := strings.LastIndexByte(line, ',')
			addr, err = netip.ParseAddr(strings.TrimSpace(line[cut+1:]))
			if err != nil || addr.Zone() != "" {
				return netip.Addr{}
			}
			if addr = addr.Unmap(); !contains(trusted, addr) {
				return addr
			}
			if cut < 0 {
				break
			}
			line = line[:cut]
		}
	}
	return addr
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
