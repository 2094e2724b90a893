package store

import (
	"context"
	"io"
	"time"
)

// Letter is a message to a person.
type Letter struct{ To, Subject, Text string }

// Post is replaced by the outbox.
func (t *Tx) Post(ctx context.Context, random io.Reader, l Letter, now, until time.Time) error { return nil }
