package jwt

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// accessToken is the typ of an access token (RFC 9068 section 2.1). Other
// tokens that are signed with the same keys have another, so that none can be
// used for it.
const accessToken = "at+jwt"

const maxSlots = 16

var errNoSigner = errors.New("no key signs yet, or none any more")

// Slot is the place of a key in a rotation. The key is published from the
// start, so that others know it before it signs; it signs from SignsFrom on,
// and its tokens are good before VerifiesUntil (zero: without an end).
type Slot struct {
	Key           *Key
	SignsFrom     time.Time
	VerifiesUntil time.Time
}

// seat is a slot with what is worked out once.
type seat struct {
	Slot
	header string // of its tokens, in base64url with the dot after it
	jwk    []byte
}

func (s *seat) retired(now time.Time) bool {
	return !s.VerifiesUntil.IsZero() && !now.Before(s.VerifiesUntil)
}

// Ring signs and verifies the access tokens of one issuer. It never changes,
// and is safe for concurrent use; a rotation makes a new one.
type Ring struct {
	issuer, audience string
	seats            []*seat // in the order in which they begin to sign
	byID             map[string]*seat
	cache            cache
}

// NewRing makes a ring of 1 to 16 keys. Its tokens have the issuer, and the
// audience unless they are made for another.
func NewRing(issuer, audience string, slots []Slot) (*Ring, error) {
	switch {
	case issuer == "" || audience == "":
		return nil, errors.New("a ring of keys needs an issuer and an audience")
	case len(slots) < 1 || len(slots) > maxSlots:
		return nil, fmt.Errorf("a ring has 1 to %d keys", maxSlots)
	}
	r := &Ring{issuer: issuer, audience: audience, byID: make(map[string]*seat, len(slots))}
	for _, slot := range slots {
		switch {
		case slot.Key == nil || slot.Key.public == nil:
			return nil, errors.New("a slot has no key")
		case r.byID[slot.Key.ID] != nil:
			return nil, fmt.Errorf("%v has two slots", slot.Key)
		case !slot.VerifiesUntil.IsZero() && !slot.SignsFrom.Before(slot.VerifiesUntil):
			return nil, fmt.Errorf("%v is retired before it signs", slot.Key)
		}
		jwk, err := slot.Key.public.jwk(slot.Key.ID)
		if err != nil {
			return nil, fmt.Errorf("publish %v: %w", slot.Key, err)
		}
		header := fmt.Sprintf(`{"alg":"%s","kid":"%s","typ":"%s"}`, slot.Key.Algorithm, slot.Key.ID, accessToken)
		s := &seat{Slot: slot, header: base64url.EncodeToString([]byte(header)) + ".", jwk: jwk}
		r.seats = append(r.seats, s)
		r.byID[slot.Key.ID] = s
	}
	slices.SortStableFunc(r.seats, func(a, b *seat) int { return a.SignsFrom.Compare(b.SignsFrom) })
	return r, nil
}

// Sign makes an access token with the newest key whose time has come (of two
// with one time, the later slot). It fills in the issuer, the time of issue,
// and the audience where there is none. Claims that Verify would refuse are
// refused, for the same Reason.
func (r *Ring) Sign(c Claims, now time.Time) (string, error) {
	s := r.signer(now)
	if s == nil {
		return "", fmt.Errorf("sign a token: %w", errNoSigner)
	}
	c.Issuer, c.IssuedAt = r.issuer, now
	if len(c.Audience) == 0 {
		c.Audience = []string{r.audience}
	}
	text, err := c.encode()
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	if _, err := decode(text); err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	signed := s.header + base64url.EncodeToString(text)
	signature, err := s.Key.sign(signed)
	if err != nil {
		return "", fmt.Errorf("sign a token with %v: %w", s.Key, err)
	}
	token := signed + "." + base64url.EncodeToString(signature)
	if len(token) > MaxSize {
		return "", fmt.Errorf("sign a token: %w", TooLarge)
	}
	return token, nil
}

// signer returns the key that signs now, or nil.
func (r *Ring) signer(now time.Time) *seat {
	for _, s := range slices.Backward(r.seats) {
		if !now.Before(s.SignsFrom) && !s.retired(now) {
			return s
		}
	}
	return nil
}

// Verify decides whether a token is an access token of this issuer for this
// audience, and good now. Otherwise its error is a Reason. A token that was
// good is remembered by its digest, so that to see it again costs little; its
// dates and those of its key are compared every time.
//
// The claims are shared with other callers and must not be changed.
func (r *Ring) Verify(token string, now time.Time) (*Claims, error) {
	if len(token) > MaxSize {
		return nil, TooLarge
	}
	digest := digestOf(token)
	found := r.cache.get(digest)
	if found == nil {
		read, err := r.read(token, now)
		if err != nil {
			return nil, err
		}
		r.cache.put(digest, read)
		return read.claims, nil
	}
	err := found.claims.current(now)
	if found.seat.retired(now) {
		err = UnknownKey
	}
	if err != nil {
		r.cache.drop(digest)
		return nil, err
	}
	return found.claims, nil
}

// read verifies a token that the cache doesn't know.
func (r *Ring) read(token string, now time.Time) (*verified, error) {
	j, err := open(token, kindOfToken{
		is: func(j *jws) bool { return j.kind == accessToken },
		key: func(id string) *publicKey {
			if s := r.byID[id]; s != nil && !s.retired(now) {
				return s.Key.public
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	claims, err := decode(j.payload)
	switch {
	case err != nil:
		return nil, err
	case claims.Issuer != r.issuer:
		return nil, WrongIssuer
	case !slices.Contains(claims.Audience, r.audience):
		return nil, WrongAudience
	}
	return &verified{claims: claims, seat: r.byID[j.keyID], size: len(token)}, claims.current(now)
}

// JWKS returns the JWK Set of the public keys whose tokens are good now or will
// be (RFC 7517 section 5).
func (r *Ring) JWKS(now time.Time) []byte {
	set := []byte(`{"keys":[`)
	for i, s := range r.seats {
		if s.retired(now) {
			continue
		}
		if i > 0 && set[len(set)-1] == '}' {
			set = append(set, ',')
		}
		set = append(set, s.jwk...)
	}
	return append(set, "]}"...)
}
