package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// NewSecret draws the secret of an endpoint: whsec_ and 64 hexadecimal digits.
// These digits are base64 as well, of 48 bytes: the key of Standard Webhooks.
// The whole text is the key of BunShip's signature.
func NewSecret(random io.Reader) (credential.Secret, error) {
	var raw [secretSize]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return credential.Secret{}, fmt.Errorf("draw the secret of a webhook: %w", err)
	}
	return credential.NewSecret(secretPrefix + hex.EncodeToString(raw[:])), nil
}

// MessageID is how receivers know a delivery, in every try of it.
func MessageID(delivery uuid.UUID) string { return "del_" + hex.EncodeToString(delivery[:]) }

// Message is one request to an endpoint, before it is signed.
type Message struct {
	ID    string // the same in every try
	Event string
	At    time.Time // of this try
	Body  []byte
}

// Headers signs a message with each secret, the current one first, by the rules
// of Standard Webhooks and by those of BunShip.
func (m *Message) Headers(secrets ...credential.Secret) map[string]string {
	at := strconv.FormatInt(m.At.Unix(), 10)
	var standard, dialect []string
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), secretPrefix))
		if err != nil {
			continue // no secret of ours; it was made by NewSecret
		}
		standard = append(standard, "v1,"+base64.StdEncoding.EncodeToString(sum(key, m.ID, ".", at, ".", string(m.Body))))
		dialect = append(dialect, "v1="+hex.EncodeToString(sum([]byte(s.Reveal()), at, ".", string(m.Body))))
	}
	return map[string]string{
		"Content-Type":          "application/json",
		"Webhook-Id":            m.ID,
		"Webhook-Timestamp":     at,
		"Webhook-Signature":     strings.Join(standard, " "),
		"X-Webhook-Signature":   "t=" + at + "," + strings.Join(dialect, ","),
		"X-Webhook-Event":       m.Event,
		"X-Webhook-Delivery-Id": m.ID,
	}
}

func sum(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		_, _ = io.WriteString(mac, part) // a hash never fails
	}
	return mac.Sum(nil)
}
