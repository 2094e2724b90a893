package jwt

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"
)

func BenchmarkSign(b *testing.B) {
	for _, key := range []*Key{keyES(), keyRS()} {
		b.Run(string(key.Algorithm), func(b *testing.B) {
			ring := newRing(b, Slot{Key: key})
			for b.Loop() {
				mustSign(b, ring, someClaims(), start)
			}
		})
	}
}

func BenchmarkVerifyFirst(b *testing.B) {
	for _, key := range []*Key{keyES(), keyRS()} {
		b.Run(string(key.Algorithm), func(b *testing.B) {
			ring := newRing(b, Slot{Key: key})
			token := mustSign(b, ring, someClaims(), start)
			sum := digestOf(token)
			for b.Loop() {
				if _, err := ring.Verify(token, start); err != nil {
					b.Fatal(err)
				}
				ring.cache.drop(sum)
			}
		})
	}
}

func BenchmarkVerifyRepeated(b *testing.B) {
	ring := newRing(b, Slot{Key: keyES()})
	token := mustSign(b, ring, someClaims(), start)
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Verify(token, start); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := ring.Verify(token, start); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkBareSignature is what no verification can do without.
func BenchmarkBareSignature(b *testing.B) {
	private := keyES().private.(*ecdsa.PrivateKey)
	sum := sha256.Sum256([]byte(mustSign(b, newRing(b, Slot{Key: keyES()}), someClaims(), start)))
	signature, err := ecdsa.SignASN1(nil, private, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !ecdsa.VerifyASN1(&private.PublicKey, sum[:], signature) {
			b.Fatal("refused")
		}
	}
}
