package authority

import (
	"bytes"
	"context"
	"crypto/hmac"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// commonPasswords are the 10,000 most common, one a line. From the frequency
// lists of dropbox/zxcvbn, MIT, Copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc.
//
//go:embed common_passwords.txt
var commonPasswords []byte

// The cost of a password hash: Argon2id (RFC 9106) with 19 MiB and two passes.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// maxPassword bounds a password in bytes.
const maxPassword = 1024

// checkPassword refuses passwords that are short, common or the user's own
// name or address. It returns the form that is hashed (NFC).
func (a *Authority) checkPassword(password string, own ...string) (string, error) {
	if !utf8.ValidString(password) {
		return "", credential.InvalidField("password", "must be valid UTF-8")
	}
	password = norm.NFC.String(password)
	switch {
	case len(password) < a.minimum:
		return "", credential.InvalidField("password", "must have at least %d bytes", a.minimum)
	case len(password) > maxPassword:
		return "", credential.InvalidField("password", "must have at most %d bytes", maxPassword)
	case isCommon(password):
		return "", credential.InvalidField("password", "is one of the most common passwords; choose another")
	}
	for _, text := range own {
		local, _, _ := strings.Cut(text, "@")
		if strings.EqualFold(password, text) || strings.EqualFold(password, local) {
			return "", credential.InvalidField("password", "must not be the user's own name or address")
		}
	}
	return password, nil
}

// isCommon looks a password up among the common ones, whatever its case.
func isCommon(password string) bool {
	line := "\n" + strings.ToLower(password) + "\n"
	if strings.Count(line, "\n") != 2 {
		return false
	}
	return bytes.Contains(commonPasswords, []byte(line)) || bytes.HasPrefix(commonPasswords, []byte(line[1:])) ||
		strings.HasPrefix(line[1:], "gatehouse")
}

// matchesPassword reports whether a password is the one that was hashed. Where
// there is no hash it takes the same time, and never matches.
func (a *Authority) matchesPassword(ctx context.Context, phc, password string) (bool, error) {
	if !utf8.ValidString(password) || len(password) > maxPassword {
		return false, nil
	}
	h, err := parsePHC(phc)
	known := err == nil
	if !known {
		if phc != "" {
			a.log.Error("the hash of a password is damaged; it is refused", "error", err)
		}
		h = passwordHash{memory: a.memory, passes: argonPasses, lanes: argonLanes, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
	}
	leave, err := a.roomToHash(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	key := argon2.IDKey([]byte(norm.NFC.String(password)), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key)))
	return hmac.Equal(key, h.key) && known, nil
}

// roomToHash waits until not too many passwords are hashed at once: each takes
// megabytes for some milliseconds.
func (a *Authority) roomToHash(ctx context.Context) (leave func(), err error) {
	select {
	case a.hashing <- struct{}{}:
		return func() { <-a.hashing }, nil
	case <-ctx.Done():
		return nil, undecided(ctx.Err())
	}
}

// hash hashes a password that was checked.
func (a *Authority) hash(ctx context.Context, password string) (string, error) {
	leave, err := a.roomToHash(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return hashPassword(a.rand, password, a.memory)
}

// passwordHash is what a PHC string says.
type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// parsePHC reads what hashPassword wrote, also at another cost.
func parsePHC(text string) (h passwordHash, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errors.New("not a hash by Argon2id")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, errors.New("the cost of the hash can't be read")
	}
	h.salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err == nil {
		h.key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(h.salt) < 8 || len(h.key) < 16 || h.passes < 1 || h.lanes < 1 || h.memory < 8 || h.memory > 1<<21 {
		return h, errors.New("the hash can't be read")
	}
	return h, nil
}

// hashPassword returns the PHC string of a checked password.
func hashPassword(random io.Reader, password string, memory uint32) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonPasses, memory, argonLanes, argonKey)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, argonPasses, argonLanes, encode(salt), encode(key)), nil
}
