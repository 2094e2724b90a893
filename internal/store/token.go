package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Mark names something that happens at most once, by a hash.
type Mark [32]byte

// TokenMark is the mark that ends an access token, by its "jti".
func TokenMark(id string) Mark { return sha256.Sum256([]byte("access token\x00" + id)) }

// ErrEnded means that an access token was ended before its time.
var ErrEnded = errors.New("the token was ended")

// TokenRef is what an access token stands on: one secret of a credential. The
// mark is the end of this very token, if it was ended before its time.
type TokenRef struct {
	Credential uuid.UUID
	Generation int
	Mark       Mark
}

// key is where the cache keeps the standing that many tokens share. A lookup
// key is a keyed hash, and so never one of these.
func standingKey(id uuid.UUID, generation int) (key lookupKey) {
	for i, b := range id {
		key[len(id)-1-i] = b // its last byte, which is random, chooses the shard
	}
	binary.BigEndian.PutUint64(key[len(id):], uint64(generation))
	return key
}

const tokenQuery = `
	SELECT EXISTS (SELECT 1 FROM marks WHERE id = $3), ` + standingColumns + standingTables + `
	WHERE s.credential_id = $1 AND s.generation = $2`

// notEnded stands in the cache for a token that wasn't ended.
var notEnded = &credential.Standing{}

// LookupToken finds the credential that an access token stands on, and how it
// stands at this moment. One that stands on nothing is credential.NotFound,
// one that was ended ErrEnded. The result is shared: don't change it.
func (s *Store) LookupToken(ctx context.Context, ref TokenRef) (*credential.Standing, error) {
	key := standingKey(ref.Credential, ref.Generation)
	found, ticket := s.cache.get(key)
	live, liveTicket := s.cache.get(lookupKey(ref.Mark))
	if found != nil && live != nil {
		return found, nil
	}
	found, ended, err := s.lookupToken(ctx, ref)
	if err != nil {
		return nil, err
	}
	if ended {
		return nil, ErrEnded
	}
	s.cache.put(key, found, ticket)
	s.cache.put(lookupKey(ref.Mark), notEnded, liveTicket)
	return found, nil
}

func (s *Store) lookupToken(ctx context.Context, ref TokenRef) (standing *credential.Standing, ended bool, err error) {
	rows, err := s.stmts.token.QueryContext(ctx, ref.Credential, ref.Generation, ref.Mark[:])
	if err != nil {
		return nil, false, s.failed("look up what a token stands on", err)
	}
	if standing, err = s.oneStanding(ctx, rows, &ended); err == nil {
		standing.Secret.TakesOver = false // a token, and an assertion, is no use of the secret
	}
	return standing, ended, err
}

// TokenEnded reports, within the change, whether a token was ended.
func (t *Tx) TokenEnded(ctx context.Context, mark Mark) (ended bool, err error) {
	if err := t.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM marks WHERE id = $1)`, mark[:]).Scan(&ended); err != nil {
		return false, t.fail("look up the end of a token", err)
	}
	return ended, nil
}

// Client is what is stored of an OAuth2 client beside its credential.
type Client struct {
	Credential uuid.UUID
	Generation int    // of the current secret
	JWKS       string // the client's public keys; empty for none
}

// ClientByID finds an OAuth2 client by its public identifier.
func (r reader) ClientByID(ctx context.Context, clientID string) (*Client, error) {
	var c Client
	var jwks sql.NullString
	err := r.q.QueryRowContext(ctx, `SELECT id, generation, jwks FROM credentials WHERE client_id = $1`, clientID).Scan(&c.Credential, &c.Generation, &jwks)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such client")
	}
	if err != nil {
		return nil, r.fail("find a client", err)
	}
	c.JWKS = jwks.String
	return &c, nil
}

// SetClientKeys stores the public keys of a client; empty takes them away.
func (t *Tx) SetClientKeys(ctx context.Context, id uuid.UUID, jwks string) error {
	if _, err := t.q.ExecContext(ctx, `UPDATE credentials SET jwks = $2, keys_version = keys_version + 1 WHERE id = $1`, id, optional(jwks)); err != nil {
		return t.fail("store the keys of a client", err)
	}
	return nil
}

// EndToken sets the mark that ends an access token.
func (t *Tx) EndToken(ctx context.Context, mark Mark, expires time.Time) error {
	t.touched = append(t.touched, lookupKey(mark))
	_, err := t.q.ExecContext(ctx, `INSERT INTO marks (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, mark[:], expires.UnixMilli())
	if err != nil {
		return t.fail("end a token", err)
	}
	return nil
}

// Once sets a mark, and reports whether it is the first to do so. What is
// marked can't happen again until it has expired.
func (s *Store) Once(ctx context.Context, mark Mark, expires time.Time) (bool, error) {
	if err := s.room(); err != nil {
		return false, err
	}
	return once(ctx, s.write, s.failed, mark, expires)
}

// Once is the store's, within the change.
func (t *Tx) Once(ctx context.Context, mark Mark, expires time.Time) (bool, error) {
	return once(ctx, t.q, t.fail, mark, expires)
}

func once(ctx context.Context, q querier, fail func(string, error) error, mark Mark, expires time.Time) (bool, error) {
	result, err := q.ExecContext(ctx, `INSERT INTO marks (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, mark[:], expires.UnixMilli())
	if err != nil {
		return false, fail("note what happens once", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// ForgetMarks deletes the marks that expired before a time.
func (s *Store) ForgetMarks(ctx context.Context, before time.Time) error {
	if _, err := s.write.ExecContext(ctx, `DELETE FROM marks WHERE expires_at < $1`, before.UnixMilli()); err != nil {
		return s.failed("forget what happened once", err)
	}
	return nil
}
