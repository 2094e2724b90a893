package authority

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// setupCode is the text of the one-time code that lets the first owner in.
var setupCode = credential.Format{Prefix: "setup-", Alphabet: credential.Base62, Length: 32}

// SetupCode makes a one-time code for the first set-up. It returns nothing
// where there is an organization already.
func (a *Authority) SetupCode(ctx context.Context) (code credential.Secret, err error) {
	if empty, err := a.store.IsEmpty(ctx); err != nil || !empty {
		return code, err
	}
	if code, err = setupCode.Generate(a.rand); err != nil {
		return code, err
	}
	key := a.setupCodeKeys(code.Reveal())[0]
	return code, a.store.InsertSetupCode(ctx, key[:], a.clock())
}

// IsSetUp reports whether there is an organization already.
func (a *Authority) IsSetUp(ctx context.Context) (bool, error) {
	empty, err := a.store.IsEmpty(ctx)
	return !empty, err
}

func (a *Authority) setupCodeKeys(text string) [][32]byte {
	return a.store.Root().MACs(seal.SetupCodes, []byte(text))
}

// SetupRequest names the first organization and its owner.
type SetupRequest struct {
	Code         string // the operator needs none
	Organization string
	UserRequest
}

// Setup makes the first organization, its owner, and a gatehouse_key with
// every permission. It happens once.
func (a *Authority) Setup(ctx context.Context, p *credential.Principal, r SetupRequest) (*store.Organization, *store.Member, *Issued, error) {
	if !p.IsOperator() && !setupCode.Check(r.Code) {
		return nil, nil, nil, wrongSetupCode()
	}
	now := a.clock()
	o := &store.Organization{CreatedAt: now}
	var err error
	if o.Name, err = credential.CheckName("organization", r.Organization); err != nil {
		return nil, nil, nil, err
	}
	if r.Password == "" {
		return nil, nil, nil, credential.InvalidField("password", "must not be empty")
	}
	if o.ID, err = a.newID(); err != nil {
		return nil, nil, nil, err
	}
	key, err := a.firstKey(o)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := a.checkSetupCode(ctx, p, r.Code); err != nil { // before the expensive hash of the password
		return nil, nil, nil, err
	}
	user, err := a.draftUser(ctx, r.UserRequest)
	if err != nil {
		return nil, nil, nil, err
	}
	user.VerifiedAt = user.CreatedAt
	var out *Issued
	err = a.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		if err := a.takeSetupCode(ctx, tx, p, r.Code); err != nil {
			return err
		}
		tx.Record(act{p, now}.event("installation.setup", "organization:"+o.ID.String(), object(map[string]string{"owner": user.ID.String()})))
		if err := tx.InsertOrganization(ctx, o); err != nil {
			return err
		}
		if err := tx.InsertUser(ctx, user); err != nil {
			return err
		}
		if err := tx.SetMember(ctx, o.ID, user.ID, credential.Owner, now); err != nil {
			return err
		}
		if err := tx.InsertCredential(ctx, key); err != nil {
			return err
		}
		issued := act{p, now}.event("credential.issue", targetOf(key), details(key))
		issued.Chain = o.ID
		tx.Record(issued)
		out, err = a.addSecret(ctx, tx, key, credential.SecretInfo{CreatedAt: now})
		return err
	})
	return o, &store.Member{User: *user, Role: credential.Owner}, out, err
}

// firstKey drafts the key that an organization starts with.
func (a *Authority) firstKey(o *store.Organization) (*credential.Credential, error) {
	scheme := a.schemes.ByName("gatehouse_key")
	id, err := a.newID()
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	key := &credential.Credential{
		ID: id, Name: "First key", Scheme: scheme, Organization: o.ID, Generation: 1,
		CreatedAt: o.CreatedAt, CreatedBy: "setup", Scopes: scheme.Scopes.Names(),
	}
	key.Resolve()
	return key, nil
}

func wrongSetupCode() error {
	return &credential.Error{Kind: credential.Forbidden, Field: "code", Detail: "the set-up code is wrong; the server prints it when it starts"}
}

func alreadySetUp() error {
	return credential.Errorf(credential.Conflict, "this installation has been set up already")
}

// checkSetupCode refuses a wrong code without using it up.
func (a *Authority) checkSetupCode(ctx context.Context, p *credential.Principal, code string) error {
	if empty, err := a.store.IsEmpty(ctx); err != nil || !empty {
		return orElse(err, alreadySetUp())
	}
	if p.IsOperator() {
		return nil
	}
	known, err := anyOf(a.setupCodeKeys(code), func(key [32]byte) (bool, error) { return a.store.HasSetupCode(ctx, key[:]) })
	if err != nil || !known {
		return orElse(err, wrongSetupCode())
	}
	return nil
}

// takeSetupCode uses the code up. Of many at once one gets through.
func (a *Authority) takeSetupCode(ctx context.Context, tx *store.Tx, p *credential.Principal, code string) error {
	if empty, err := tx.IsEmpty(ctx); err != nil || !empty {
		return orElse(err, alreadySetUp())
	}
	if p.IsOperator() {
		return tx.ForgetSetupCodes(ctx)
	}
	taken, err := anyOf(a.setupCodeKeys(code), func(key [32]byte) (bool, error) { return tx.TakeSetupCode(ctx, key[:]) })
	if err != nil || !taken {
		return orElse(err, wrongSetupCode())
	}
	return tx.ForgetSetupCodes(ctx)
}
