package authority

import (
	"bytes"
	_ "embed"
	"encoding/base64"
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

// hashPassword returns the PHC string of a checked password.
func hashPassword(random io.Reader, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKey)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonLanes, encode(salt), encode(key)), nil
}
