package store

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// Letter is a mail before it is sealed and after it was opened. Links that
// are good once may stand in its text.
type Letter struct {
	To      string `json:"to"` // an e-mail address
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Message is a letter that waits in the outbox, as it is stored: sealed.
type Message struct {
	ID                uuid.UUID
	Sealed            []byte
	KeyVersion, Tries int // Tries is how often it was claimed
	NextAt, ExpiresAt time.Time
}

const messageColumns = `id, message, key_version, tries, next_at, expires_at`

func (m *Message) targets() []any {
	return []any{&m.ID, &m.Sealed, &m.KeyVersion, &m.Tries, instant{&m.NextAt}, instant{&m.ExpiresAt}}
}

// SealedRow names the row that a message is sealed for.
func (m *Message) SealedRow() string { return fmt.Sprintf("outbox/%s", m.ID) }

// Post seals a letter and puts it in the outbox, due at once: it is sent if
// the change is committed, and only then.
func (t *Tx) Post(ctx context.Context, random io.Reader, l Letter, now, expires time.Time) error {
	id, err := uuid.NewV7FromReader(random)
	if err != nil {
		return fmt.Errorf("draw the id of a message: %w", err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write message %s: not all of it is UTF-8", id) // the cause would show some of it
	}
	m := &Message{ID: id, KeyVersion: t.s.root.Version(), NextAt: now, ExpiresAt: expires}
	if m.Sealed, err = t.s.root.Seal(random, m.SealedRow(), text); err != nil {
		return err
	}
	return t.InsertMessage(ctx, m)
}

// Letter opens a message.
func (s *Store) Letter(m *Message) (l Letter, err error) {
	text, err := s.root.Open(m.SealedRow(), m.Sealed)
	if err != nil {
		return Letter{}, err
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return Letter{}, fmt.Errorf("read %s: it is no letter", m.SealedRow()) // the cause would show some of it
	}
	return l, nil
}

// InsertMessage puts a message in the outbox.
func (t *Tx) InsertMessage(ctx context.Context, m *Message) error {
	_, err := t.q.ExecContext(ctx, `INSERT INTO outbox (`+messageColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		m.ID, m.Sealed, m.KeyVersion, m.Tries, m.NextAt.UnixMilli(), m.ExpiresAt.UnixMilli())
	if err != nil {
		return t.fail("put a message in the outbox", err)
	}
	return nil
}

// DueMessages returns the messages that are due, at most limit of them, those
// that have waited longest first.
func (s *Store) DueMessages(ctx context.Context, now time.Time, limit int) ([]Message, error) {
	return list(ctx, s.reader, selection[Message]{"read the outbox", (*Message).targets,
		`SELECT ` + messageColumns + ` FROM outbox WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2`}, now.UnixMilli(), limit)
}

// ClaimMessage counts a try of a message before it is made, and puts the next
// one off. It reports false when the message isn't there any more with so many
// tries: of several nodes that found it due, one claims it.
func (s *Store) ClaimMessage(ctx context.Context, id uuid.UUID, tries int, nextAt time.Time) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	result, err := s.write.ExecContext(ctx, `UPDATE outbox SET tries = tries + 1, next_at = $3 WHERE id = $1 AND tries = $2`, id, tries, nextAt.UnixMilli())
	if err != nil {
		return false, s.failed("claim a message", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// PutOffMessage says when to try a message again, unless somebody else has
// claimed it since it had so many tries.
func (s *Store) PutOffMessage(ctx context.Context, id uuid.UUID, tries int, nextAt time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE outbox SET next_at = $3 WHERE id = $1 AND tries = $2`, id, tries, nextAt.UnixMilli())
	if err != nil {
		return s.failed("put a message off", err)
	}
	return nil
}

// DropMessage takes a message out of the outbox.
func (s *Store) DropMessage(ctx context.Context, id uuid.UUID) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM outbox WHERE id = $1`, id); err != nil {
		return s.failed("take a message out of the outbox", err)
	}
	return nil
}

// ForgetMessages deletes the messages that expired before a time.
func (s *Store) ForgetMessages(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM outbox WHERE expires_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget messages", err)
	}
	return nil
}
