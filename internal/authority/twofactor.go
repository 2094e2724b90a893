package authority

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"image/png"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The second factor: codes by time (RFC 6238), and backup codes.
const (
	codeStep    = 30 // seconds
	codeDigits  = otp.DigitsSix
	codeSkew    = 1  // steps either way (RFC 6238 section 5.2)
	seedSize    = 20 // bytes
	backupCodes = 10
	backupSize  = 4 // bytes
	// mostTries in triesWithin is how often a code is tried.
	mostTries   = 10
	triesWithin = 15 * time.Minute
	qrSize      = 256 // pixels
)

// TwoFactorSetup is shown once, to be copied into an authenticator.
type TwoFactorSetup struct {
	Secret      credential.Secret // base 32
	URL         credential.Secret // otpauth://…
	QRCode      []byte            // PNG of the URL
	BackupCodes []credential.Secret
}

// SetUpTwoFactor begins a second factor for who proves the password. It is on
// once a code was seen (EnableTwoFactor); a set-up before is replaced.
func (a *Authority) SetUpTwoFactor(ctx context.Context, p *credential.Principal, password string) (out *TwoFactorSetup, err error) {
	err = a.confirm(ctx, p, password, func(proof *proof) error {
		out, err = a.setUpTwoFactor(ctx, p, proof)
		return err
	})
	return out, err
}

func (a *Authority) setUpTwoFactor(ctx context.Context, p *credential.Principal, proof *proof) (*TwoFactorSetup, error) {
	seed := make([]byte, seedSize)
	if _, err := io.ReadFull(a.rand, seed); err != nil {
		return nil, fmt.Errorf("set up a second factor: %w", err)
	}
	out, err := authenticator(seed, proof.user.Email)
	if err != nil {
		return nil, err
	}
	codes, stored, err := a.drawBackupCodes(p.Subject)
	if err != nil {
		return nil, err
	}
	out.BackupCodes = codes
	now := a.clock()
	f := store.TwoFactor{KeyVersion: a.store.Root().Version(), CreatedAt: now}
	if f.Seed, err = a.store.Root().Seal(a.rand, store.SeedRow(p.Subject), seed); err != nil {
		return nil, err
	}
	err = a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		user, err := a.unchanged(ctx, tx, proof)
		if err != nil {
			return err
		}
		if user.TwoFactor {
			return errAlreadyOn()
		}
		tx.Record(act{p, now}.event("two_factor.set_up", "user:"+p.Subject.String(), "{}"))
		return tx.SetTwoFactor(ctx, p.Subject, f, stored)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func errAlreadyOn() error {
	return credential.Errorf(credential.Conflict, "two-factor authentication is on already; turn it off first")
}

// authenticator writes a seed in the forms that authenticators take.
func authenticator(seed []byte, account string) (*TwoFactorSetup, error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: "Gatehouse", AccountName: account, Period: codeStep, Digits: codeDigits, Algorithm: otp.AlgorithmSHA1, Secret: seed,
	})
	if err != nil {
		return nil, fmt.Errorf("set up a second factor: %w", err)
	}
	image, err := key.Image(qrSize, qrSize)
	if err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, image); err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	return &TwoFactorSetup{Secret: credential.NewSecret(key.Secret()), URL: credential.NewSecret(key.URL()), QRCode: buf.Bytes()}, nil
}

// drawBackupCodes draws new backup codes, and returns how they are stored too.
func (a *Authority) drawBackupCodes(user uuid.UUID) (codes []credential.Secret, stored [][32]byte, err error) {
	seen := map[[32]byte]bool{}
	for len(stored) < backupCodes {
		var raw [backupSize]byte
		if _, err := io.ReadFull(a.rand, raw[:]); err != nil {
			return nil, nil, fmt.Errorf("draw a backup code: %w", err)
		}
		text := hex.EncodeToString(raw[:])
		if key := a.backupKeys(user, text)[0]; !seen[key] {
			seen[key] = true
			stored = append(stored, key)
			codes = append(codes, credential.NewSecret(text))
		}
	}
	return codes, stored, nil
}

func (a *Authority) backupKeys(user uuid.UUID, code string) [][32]byte {
	return a.store.Root().MACs(seal.BackupCodes, user[:], []byte(code))
}

// EnableTwoFactor turns a second factor on that was set up, by its first code.
// The user's other sessions end: they began without it.
func (a *Authority) EnableTwoFactor(ctx context.Context, p *credential.Principal, code string) error {
	return a.enableTwoFactor(ctx, p, code, nil)
}

// EnableTwoFactorAnew is EnableTwoFactor with backup codes that nobody has seen,
// in place of those of the set-up.
func (a *Authority) EnableTwoFactorAnew(ctx context.Context, p *credential.Principal, code string) ([]credential.Secret, error) {
	codes, stored, err := a.drawBackupCodes(p.Subject)
	if err != nil {
		return nil, err
	}
	if err := a.enableTwoFactor(ctx, p, code, stored); err != nil {
		return nil, err
	}
	return codes, nil
}

func (a *Authority) enableTwoFactor(ctx context.Context, p *credential.Principal, code string, backup [][32]byte) error {
	if err := signedIn(p); err != nil {
		return err
	}
	var refused error
	err := a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		f, err := tx.TwoFactor(ctx, p.Subject)
		switch {
		case err != nil:
			return err
		case f == nil:
			return credential.Errorf(credential.NotFound, "two-factor authentication was not set up")
		case !f.EnabledAt.IsZero():
			return errAlreadyOn()
		}
		if refused, err = a.useCode(ctx, tx, p.Subject, code); err != nil || refused != nil {
			tx.Record(by.event("two_factor.fail", "user:"+p.Subject.String(), "{}"))
			return err
		}
		tx.Record(by.event("two_factor.enable", "user:"+p.Subject.String(), "{}"))
		if err := tx.EnableTwoFactor(ctx, p.Subject, by.at); err != nil {
			return err
		}
		if backup != nil {
			if err := tx.SetBackupCodes(ctx, p.Subject, a.store.Root().Version(), backup); err != nil {
				return err
			}
		}
		return endSessions(ctx, tx, by, ending{user: p.Subject, except: p.Credential.ID, because: "two_factor"})
	})
	if err == nil {
		err = refused
	}
	return err
}

// Renewal asks for new backup codes. Mark tells it from any other: one that was
// done is ErrDone.
type Renewal struct{ Password, Mark string }

// RenewBackupCodes draws new backup codes for who proves the password. Those of
// before are good no more.
func (a *Authority) RenewBackupCodes(ctx context.Context, p *credential.Principal, r Renewal) (codes []credential.Secret, err error) {
	err = a.confirm(ctx, p, r.Password, func(proof *proof) error {
		var stored [][32]byte
		if codes, stored, err = a.drawBackupCodes(p.Subject); err != nil {
			return err
		}
		return a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
			user, err := a.unchanged(ctx, tx, proof)
			if err != nil {
				return err
			}
			if !user.TwoFactor {
				return credential.Errorf(credential.NotFound, "two-factor authentication is not on")
			}
			by := act{p, a.clock()}
			first, err := tx.Once(ctx, sha256.Sum256([]byte("backup codes\x00"+p.Credential.ID.String()+r.Mark)), by.at.Add(SessionLifetime))
			if err != nil {
				return err
			}
			if !first {
				return ErrDone
			}
			tx.Record(by.event("two_factor.renew_codes", "user:"+p.Subject.String(), "{}"))
			return tx.SetBackupCodes(ctx, p.Subject, a.store.Root().Version(), stored)
		})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// BackupCodes is how many backup codes the principal's user has left.
func (a *Authority) BackupCodes(ctx context.Context, p *credential.Principal) (int, error) {
	if err := signedIn(p); err != nil {
		return 0, err
	}
	return a.store.BackupCodes(ctx, p.Subject)
}

// DisableTwoFactor turns the second factor off, for who has both.
func (a *Authority) DisableTwoFactor(ctx context.Context, p *credential.Principal, password, code string) error {
	return a.confirm(ctx, p, password, func(proof *proof) error {
		var refused error
		err := a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
			by := act{p, a.clock()}
			user, err := a.unchanged(ctx, tx, proof)
			if err != nil {
				return err
			}
			if !user.TwoFactor {
				return credential.Errorf(credential.NotFound, "two-factor authentication is not on")
			}
			if refused, err = a.useCode(ctx, tx, p.Subject, code); err != nil || refused != nil {
				tx.Record(by.event("two_factor.fail", "user:"+p.Subject.String(), "{}"))
				return err
			}
			tx.Record(by.event("two_factor.disable", "user:"+p.Subject.String(), "{}"))
			return tx.DropTwoFactor(ctx, p.Subject)
		})
		if err == nil {
			err = refused
		}
		return err
	})
}

func errTooManyCodes() error {
	return credential.Errorf(credential.TooMany, "Too many codes were tried. Try again in a quarter of an hour.")
}

func errWrongCode() error { return credential.Errorf(credential.CodeWrong, "Invalid two-factor code") }

// useCode uses a code of a user's second factor up: each is good once,
// wherever it is presented. It is refused, and the try counts, if it is wrong,
// was used before, or was tried too often.
func (a *Authority) useCode(ctx context.Context, tx *store.Tx, user uuid.UUID, code string) (refused, err error) {
	now := a.clock()
	f, err := tx.TwoFactor(ctx, user)
	if err != nil || f == nil {
		return errWrongCode(), err
	}
	allowed, err := tx.CountTry(ctx, user, mostTries, now, now.Add(-triesWithin))
	if err != nil {
		return nil, err
	}
	if !allowed {
		return errTooManyCodes(), nil
	}
	return a.spendCode(ctx, tx, f, codeOf{user, code})
}

// codeOf is a code that a user typed.
type codeOf struct {
	user uuid.UUID
	code string
}

// spendCode is useCode for who has counted the try.
func (a *Authority) spendCode(ctx context.Context, tx *store.Tx, f *store.TwoFactor, of codeOf) (refused, err error) {
	user, code, used := of.user, of.code, false
	switch code = strings.NewReplacer(" ", "", "-", "").Replace(code); len(code) {
	case codeDigits.Length():
		used, err = a.useTimeCode(ctx, tx, user, f, code)
	case 2 * backupSize:
		if !f.EnabledAt.IsZero() {
			used, err = anyOf(a.backupKeys(user, strings.ToLower(code)), func(key [32]byte) (bool, error) { return tx.UseBackupCode(ctx, user, key) })
		}
	}
	if err == nil && !used {
		refused = errWrongCode()
	}
	return refused, err
}

// useTimeCode uses up the time step that a code is of.
func (a *Authority) useTimeCode(ctx context.Context, tx *store.Tx, user uuid.UUID, f *store.TwoFactor, code string) (bool, error) {
	seed, err := a.store.Root().Open(store.SeedRow(user), f.Seed)
	if err != nil {
		return false, err
	}
	step, err := matchingStep(seed, code, a.now())
	if err != nil || step == 0 {
		return false, err
	}
	return tx.UseStep(ctx, user, step)
}

// matchingStep finds the time step around now that a code is of, or 0.
func matchingStep(seed []byte, code string, now time.Time) (int64, error) {
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	found, present := int64(0), now.Unix()/codeStep
	for step := max(present-codeSkew, 1); step <= present+codeSkew; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: codeDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, fmt.Errorf("make a code: %w", err)
		}
		if hmac.Equal([]byte(want), []byte(code)) {
			found = step
		}
	}
	return found, nil
}
