package authority

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The operator's way into the console. Whoever reaches the data directory gets
// a code there, and types it into a browser.
const (
	// ConsoleCodeLifetime is how long a code waits to be typed.
	ConsoleCodeLifetime = 5 * time.Minute
	// ConsoleLifetime is how long the session lasts that it begins.
	ConsoleLifetime = time.Hour

	consoleAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's: none is taken for another
	consoleLength   = 12                                 // 60 random bits, in groups of four
)

// mostConsoleCodes is how many wrong codes of an address are told in the audit.
var mostConsoleCodes = limit.Rate{Limit: 10, Window: ConsoleCodeLifetime}

// ConsoleCode is a code that was just made.
type ConsoleCode struct {
	Code      credential.Secret
	ExpiresAt time.Time
}

// NewConsoleCode makes a code by which the operator signs in to the console,
// once. Only the operator can, and not from the console.
func (a *Authority) NewConsoleCode(ctx context.Context, p *credential.Principal) (*ConsoleCode, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	if p.Console != uuid.Nil {
		return nil, credential.Errorf(credential.Forbidden, "a code comes from where the server runs, and not from the console")
	}
	id, err := a.newID()
	if err != nil {
		return nil, err
	}
	text, err := drawConsoleCode(a.rand)
	if err != nil {
		return nil, err
	}
	now := a.clock()
	s := store.ConsoleSession{ID: id, CreatedAt: now, ExpiresAt: now.Add(ConsoleCodeLifetime)}
	err = a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(act{p, now}.event("console.code", "console:"+id.String(), "{}"))
		return tx.InsertConsoleCode(ctx, &s, a.consoleKey("code", text))
	})
	return &ConsoleCode{credential.NewSecret(text[:4] + "-" + text[4:8] + "-" + text[8:]), s.ExpiresAt}, err
}

// drawConsoleCode draws a code: of 32 characters each byte says one, without bias.
func drawConsoleCode(random io.Reader) (string, error) {
	text := make([]byte, consoleLength)
	if _, err := io.ReadFull(random, text); err != nil {
		return "", err
	}
	for i := range text {
		text[i] = consoleAlphabet[text[i]%byte(len(consoleAlphabet))]
	}
	return string(text), nil
}

// readConsoleCode reads a code as people type it; empty for what is none.
func readConsoleCode(typed string) string {
	if len(typed) > 100 {
		return ""
	}
	text := strings.NewReplacer("-", "", " ", "", "\t", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	if len(text) != consoleLength || strings.Trim(text, consoleAlphabet) != "" {
		return ""
	}
	return text
}

// consoleKey is how a code or the token of a session is stored. Only the present
// root key makes it: once that is rotated, a session is over.
func (a *Authority) consoleKey(what, text string) (key [32]byte) {
	copy(key[:], a.store.Root().MAC(seal.Consoles, []byte(what), []byte(text)))
	return key
}

// ConsoleEntered is a session of the operator that has just begun.
type ConsoleEntered struct {
	Token  credential.Secret
	EndsAt time.Time
}

// EnterConsole begins a session of the operator in a browser, by a code. There is
// one session at a time: any other ends. A right code is never refused for the
// wrong ones that others tried, so that nobody keeps the operator out.
func (a *Authority) EnterConsole(ctx context.Context, typed string, from Origin) (*ConsoleEntered, error) {
	code := readConsoleCode(typed)
	if code == "" {
		return nil, a.wrongConsoleCode(ctx, from)
	}
	now := a.clock()
	waits, err := a.store.ConsoleCodeWaits(ctx, a.consoleKey("code", code), now)
	if err != nil {
		return nil, undecided(err)
	}
	if !waits {
		return nil, a.wrongConsoleCode(ctx, from)
	}
	token, err := credential.ConsoleText.Generate(a.rand)
	if err != nil {
		return nil, err
	}
	s := store.ConsoleSession{CreatedAt: now, ExpiresAt: now.Add(ConsoleLifetime)}
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		if err := tx.BeginConsole(ctx, a.consoleKey("code", code), a.consoleKey("session", token.Reveal()), &s); err != nil {
			return err
		}
		ended, err := tx.EndConsolesBut(ctx, s.ID)
		if err != nil {
			return err
		}
		by := operatorIn(s.ID)
		by.Address, by.RequestID = from.Address, from.RequestID
		tx.Record(act{&by, now}.event("console.sign_in", "console:"+s.ID.String(), object(map[string]any{"ends_at": s.ExpiresAt, "ended": ended})))
		return nil
	})
	if errors.Is(err, credential.NotFound) { // another was first
		return nil, a.wrongConsoleCode(ctx, from)
	}
	return &ConsoleEntered{token, s.ExpiresAt}, err
}

// wrongConsoleCode is the error of a code that is none. So many of an address are
// told in the audit, and then it waits.
func (a *Authority) wrongConsoleCode(ctx context.Context, from Origin) error {
	room, err := a.takeOne(ctx, limit.ForAddress("console", from.Address), mostConsoleCodes)
	if err != nil {
		return err
	}
	if !room {
		return credential.Errorf(credential.TooMany, "too many codes were tried from this address; wait five minutes")
	}
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(act{from.somebody(uuid.Nil), a.clock()}.event("console.sign_in_fail", "console:unknown", "{}"))
		return nil
	})
	if err != nil {
		return err
	}
	return &credential.Error{Kind: credential.Invalid, Field: "code", Detail: "the code is wrong, was used before, or is older than five minutes"}
}

func operatorIn(session uuid.UUID) credential.Principal {
	p := credential.Operator()
	p.Console = session
	return p
}

// InConsole finds the operator by the token of a session, and when that ends; no
// error and a zero time mean that there is no such session, or not any more.
func (a *Authority) InConsole(ctx context.Context, token string) (p credential.Principal, ends time.Time, err error) {
	if !credential.ConsoleText.Check(token) {
		return p, ends, nil
	}
	s, err := a.store.ConsoleSession(ctx, a.consoleKey("session", token), a.clock())
	if errors.Is(err, credential.NotFound) {
		return p, ends, nil
	}
	if err != nil {
		return p, ends, undecided(err)
	}
	return operatorIn(s.ID), s.ExpiresAt, nil
}

// LeaveConsole ends the operator's session.
func (a *Authority) LeaveConsole(ctx context.Context, p *credential.Principal) error {
	if p.Console == uuid.Nil {
		return credential.Errorf(credential.Forbidden, "this is no session in the console")
	}
	return a.stop(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(act{p, a.clock()}.event("console.sign_out", "console:"+p.Console.String(), "{}"))
		return tx.EndConsole(ctx, p.Console)
	})
}

// FindOrganizations returns organizations with what they have, in the order of
// their creation. Only the operator can.
func (a *Authority) FindOrganizations(ctx context.Context, p *credential.Principal, f store.OrganizationFilter) ([]store.ListedOrganization, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	return a.store.FindOrganizations(ctx, f)
}
