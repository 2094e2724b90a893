package credential

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what people type.
const (
	maxName      = 100 // characters
	maxAddresses = 64
)

// CheckName trims a name and refuses one that is empty, too long, or holds
// characters that hide or reorder text.
func CheckName(field, name string) (string, error) { return CheckText(field, name, maxName) }

// CheckText is CheckName for a text of at most so many characters.
func CheckText(field, text string, most int) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", InvalidField(field, "must not be empty")
	case !utf8.ValidString(text):
		return "", InvalidField(field, "must be valid UTF-8")
	case utf8.RuneCountInString(text) > most:
		return "", InvalidField(field, "must have at most %d characters", most)
	}
	for _, r := range text {
		if hidden(r) {
			return "", InvalidField(field, "must not hold the control or invisible character U+%04X", r)
		}
	}
	return text, nil
}

// CheckProse trims what people write in lines, which may be nothing, and
// refuses it where it is too long or holds control characters.
func CheckProse(field, text string, most int) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(text):
		return "", InvalidField(field, "must be valid UTF-8")
	case utf8.RuneCountInString(text) > most:
		return "", InvalidField(field, "must have at most %d characters", most)
	}
	for _, r := range text {
		if unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) {
			return "", InvalidField(field, "must not hold the control character U+%04X", r)
		}
	}
	return text, nil
}

// CheckChoice refuses what isn't one of some values.
func CheckChoice(field, text string, values []string) (string, error) {
	if !slices.Contains(values, text) {
		e := InvalidField(field, "must be one of: %s", strings.Join(values, ", "))
		e.Allowed = values
		return "", e
	}
	return text, nil
}

// hidden reports characters that don't show or that change the order of the
// others. The two joiners that scripts and emoji need are let through.
func hidden(r rune) bool {
	const zwnj, zwj = '\u200c', '\u200d'
	return r != zwnj && r != zwj && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// CheckEmail normalises an e-mail address, the same way wherever one is
// compared: ASCII only, in lower case, exactly one @.
func CheckEmail(field, text string) (string, error) {
	const most = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
	text = strings.TrimSpace(text)
	local, domain, ok := strings.Cut(text, "@")
	switch {
	case !ok || local == "" || domain == "" || len(text) > most || strings.Contains(domain, "@"):
		return "", InvalidField(field, "must be an e-mail address such as name@example.com")
	case strings.HasSuffix(domain, ".") || strings.HasPrefix(domain, "."):
		return "", InvalidField(field, "the domain must not begin or end with a dot")
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte(`"(),:;<>[\]`, c) >= 0 {
			return "", InvalidField(field, "may hold only ASCII letters, digits and the usual signs")
		}
	}
	return strings.ToLower(text), nil
}

// CheckIdempotencyKey refuses a key that hasn't 255 printable characters.
func CheckIdempotencyKey(key string) error {
	const most = 255
	if key == "" || len(key) > most {
		return InvalidField("Idempotency-Key", "must have 1 to %d characters", most)
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return InvalidField("Idempotency-Key", "may hold only printable ASCII characters")
		}
	}
	return nil
}

// ParseAddresses reads an allowlist of addresses and CIDR prefixes. IPv4 in
// IPv6 clothing becomes IPv4, host bits are cleared, repeats are dropped.
func ParseAddresses(field string, texts []string) ([]netip.Prefix, error) {
	if len(texts) > maxAddresses {
		return nil, InvalidField(field, "at most %d entries", maxAddresses)
	}
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := parsePrefix(text)
		if err != nil {
			return nil, InvalidField(field, "%q is not an address or a CIDR prefix such as 203.0.113.0/24: %v", clip(text), err)
		}
		if !slices.Contains(list, prefix) {
			list = append(list, prefix)
		}
	}
	return list, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		addr, err := ParseAddress(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("no such prefix")
	}
	addr, bits := prefix.Addr(), prefix.Bits()
	if addr.Is4In6() {
		if addr, bits = addr.Unmap(), bits-96; bits < 0 {
			return netip.Prefix{}, fmt.Errorf("a prefix of an IPv4-mapped address has at least 96 bits")
		}
	}
	return netip.PrefixFrom(addr, bits).Masked(), nil
}

// ParseAddress reads one IP address. IPv4-mapped IPv6 becomes IPv4, zones are refused.
func ParseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("no such address")
	case addr.Zone() != "":
		return netip.Addr{}, fmt.Errorf("an address with a zone means nothing here")
	}
	return addr.Unmap(), nil
}

// ParseTime reads an RFC 3339 time, which must say its zone.
func ParseTime(field, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, InvalidField(field, "%q is not an RFC 3339 time with a zone, such as 2030-01-31T12:00:00Z", clip(text))
	}
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return time.Time{}, InvalidField(field, "must lie between the years 1970 and 9999")
	}
	return t, nil
}

// ParseSpan reads a length of time: a whole number and one unit of s, m, h or
// d (24 hours). Zero is allowed where the field allows it; most is the bound.
func ParseSpan(field, text string, most time.Duration) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': day}
	wrong := InvalidField(field, "%q is not a length of time such as 90d, 24h, 30m or 60s", clip(text))
	if text == "0" {
		return 0, nil
	}
	if len(text) < 2 || text[0] < '0' || text[0] > '9' {
		return 0, wrong
	}
	unit, ok := units[text[len(text)-1]]
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	switch {
	case !ok || (err != nil && strings.Trim(text[:len(text)-1], "0123456789") != ""):
		return 0, wrong
	case err != nil || n > math.MaxInt64/int64(unit) || time.Duration(n)*unit > most:
		return 0, InvalidField(field, "%q is too long; at most %s", clip(text), SpellSpan(most))
	}
	return time.Duration(n) * unit, nil
}

// SpellSpan writes a length of time as ParseSpan reads it.
func SpellSpan(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%unit.of == 0 {
			return fmt.Sprintf("%d%s", d/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// Longest lengths of time that may be asked for.
const (
	MaxLifetime = 36500 * day
	MaxGrace    = 30 * day
)
