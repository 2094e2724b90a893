package authority_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// BenchmarkVerify is one verification on SQLite with the credential in the
// cache; most of it should be the HMAC of BenchmarkHMAC.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	_, secret := w.made("gatehouse_key")
	v := authority.Verification{Permission: credential.IssuesRead, Address: here, UserAgent: "benchmark"}
	w.verify(secret, v)
	b.ReportAllocs()
	for b.Loop() {
		d, err := w.Verify(background, secret, v)
		if err != nil || d.Code != credential.OK {
			b.Fatal(d.Code, err)
		}
	}
}

// BenchmarkVerifyParallel is the same from all cores at once.
func BenchmarkVerifyParallel(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	_, secret := w.made("gatehouse_key")
	w.verify(secret, authority.Verification{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if d, err := w.Verify(background, secret, authority.Verification{}); err != nil || d.Code != credential.OK {
				b.Error(d.Code, err)
			}
		}
	})
}

// BenchmarkHMAC is HMAC-SHA-256 of a secret, with the key's state kept.
func BenchmarkHMAC(b *testing.B) {
	w := newAuthority(b, storetest.SQLite(b), nil)
	w.org = w.organization("Acme")
	_, text := w.made("gatehouse_key")
	secret, mac, out := []byte(text), hmac.New(sha256.New, make([]byte, 32)), make([]byte, 0, sha256.Size)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(secret)
		_ = mac.Sum(out)
	}
}
