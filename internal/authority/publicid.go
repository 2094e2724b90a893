package authority

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ParseProject reads the ways in which a project is named: UUID, pr-… or PRJ-….
func ParseProject(text string) (store.ProjectRef, error) {
	if n, ok := ParseNumber(text, "pr-"); ok {
		return store.ProjectRef{Number: n}, nil
	}
	if n, ok := ParseNumber(text, "PRJ-"); ok {
		return store.ProjectRef{OrganizationNumber: n}, nil
	}
	id, err := ParseID(text)
	return store.ProjectRef{ID: id}, err
}

// ParseNumber reads a prefix and a positive number behind it, in its one spelling.
func ParseNumber(text, prefix string) (int64, bool) {
	digits, ok := strings.CutPrefix(text, prefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && n > 0 && n < math.MaxInt32 && digits[0] >= '1' // no sign, no leading zero
}

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
		if err != nil || len(raw) != len(uuid.UUID{}) || digits != strings.ToLower(digits) || uuid.UUID(raw) == uuid.Nil {
			return uuid.Nil, errors.New("not an id")
		}
		return uuid.UUID(raw), nil
	}
	return ParseID(text)
}
