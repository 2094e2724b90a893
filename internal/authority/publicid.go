package authority

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/google/uuid"
)

// PublicID writes an id the way that BunShip's documents do: a prefix such as
// "org" and the 32 hexadecimal digits of the UUID.
func PublicID(prefix string, id uuid.UUID) string { return prefix + "_" + hex.EncodeToString(id[:]) }

// ParseID reads a UUID in its one usual form: lower case, with hyphens.
func ParseID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text || id == uuid.Nil {
		return uuid.Nil, errors.New("not an id")
	}
	return id, nil
}

// ParsePublicID reads what PublicID wrote, or what ParseID reads.
func ParsePublicID(prefix, text string) (uuid.UUID, error) {
	if digits, ok := strings.CutPrefix(text, prefix+"_"); ok {
		raw, err := hex.DecodeString(digits)
		if err != nil || len(raw) != len(uuid.UUID{}) || digits != strings.ToLower(digits) {
			return uuid.Nil, errors.New("not an id")
		}
		return uuid.UUID(raw), nil
	}
	return ParseID(text)
}
