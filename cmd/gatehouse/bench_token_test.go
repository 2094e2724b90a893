package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// tokenBench is what was measured of access tokens.
type tokenBench struct{ bare, issue, first, repeated testing.BenchmarkResult }

// benchTokens measures a client's tokens on an empty store, beside one bare
// check of a signature.
func benchTokens(t *testing.T) (out tokenBench) {
	n := openBench(t, t.TempDir(), 1<<20)
	defer closeBench(t, n)
	ctx, operator := context.Background(), credential.Operator()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	o, err := n.authority.CreateOrganization(ctx, &operator, authority.NameRequest{Name: "Bench"})
	must(err)
	made, err := n.authority.Issue(ctx, &operator, authority.IssueRequest{Scheme: "betatesting_client", Name: "Client", Organization: o.ID,
		RateLimit: 1_000_000_000}) // as good as none, which its scheme would have
	must(err)
	client := authority.Client{ID: made.Credential.ClientID, Secret: made.Secret.Reveal()}
	token := func() string {
		issued, err := n.authority.ClientToken(ctx, client, nil)
		must(err)
		return issued.Token.Reveal()
	}
	out.bare = testing.Benchmark(benchBareSignature)
	out.issue = testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			token()
		}
	})
	out.first = testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		tokens := make([]string, b.N)
		for i := range tokens {
			tokens[i] = token()
		}
		b.ResetTimer()
		for i := range b.N {
			benchVerify(b, n.authority, tokens[i])
		}
	})
	one := token()
	out.repeated = testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchVerify(b, n.authority, one)
		}
	})
	for name, result := range map[string]testing.BenchmarkResult{"bare": out.bare, "issue": out.issue, "first": out.first, "repeated": out.repeated} {
		if result.N == 0 { // which is all that a benchmark shows of its failure
			t.Errorf("the benchmark %q of tokens failed", name)
		}
	}
	return out
}

func benchBareSignature(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte(benchSecret))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		digest := sha256.Sum256([]byte(benchSecret))
		if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			b.Fatal("not verified")
		}
	}
}

// write prints the section about access tokens.
func (r *tokenBench) write(w io.Writer) {
	fmt.Fprintf(w, `
## Access tokens

On one core, on SQLite, in process. *Issued*: a client's secret is verified and an ES256 token signed. *First seen*: its
signature is checked and the credential below it looked up; *repeated*: the signature was checked before, the credential
is looked up every time. One bare check of a P-256 signature took %.1f µs.

| | tokens/s | time | allocations | times one bare check |
|---|---|---|---|---|
`, float64(r.bare.NsPerOp())/1000)
	for _, row := range []struct {
		name string
		b    testing.BenchmarkResult
	}{{"issued", r.issue}, {"first seen", r.first}, {"repeated", r.repeated}} {
		fmt.Fprintf(w, "| %s | %.0f | %.2f µs | %d | %.2f |\n", row.name, 1e9/float64(row.b.NsPerOp()), float64(row.b.NsPerOp())/1000,
			row.b.AllocsPerOp(), float64(row.b.NsPerOp())/float64(r.bare.NsPerOp()))
	}
}
