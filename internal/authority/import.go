package authority

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ImportRequest asks to take over credentials that another system issued.
type ImportRequest struct {
	Organization uuid.UUID
	Lines        []ImportLine
	AllOrNothing bool // a line that is refused keeps all others out
	DryRun       bool // nothing is stored
}

// ImportLine is one of them: what it is to be, and the secret that it has.
type ImportLine struct {
	IssueRequest
	Digest credential.Digest // of a secret whose text isn't known
	Secret string
	Err    error // what is known to be wrong already
}

// ImportResult is what became of a line.
type ImportResult string

// The results of lines.
const (
	ImportDone     ImportResult = "imported"
	ImportExisting ImportResult = "existing" // the secret was imported before
	ImportRefused  ImportResult = "refused"
	ImportSkipped  ImportResult = "skipped" // another line was refused, and all or nothing was asked for
)

// Imported is what became of a line, and of which credential it is the secret.
type Imported struct {
	Result     ImportResult
	Credential uuid.UUID // Nil where nothing is stored
	Err        error     // of a refused line
}

// errNothingStored rolls a transaction back that went well.
var errNothingStored = errors.New("nothing is to be stored")

// batch is an import under way.
type batch struct {
	*Authority
	r       ImportRequest
	by      act
	drafts  []*credential.Credential
	results []Imported
	seen    map[[32]byte]uuid.UUID // import keys of this batch
}

// Import takes over credentials with the secrets that they have. Each line is
// answered for itself; an error means that nothing was stored at all.
func (a *Authority) Import(ctx context.Context, p *credential.Principal, r ImportRequest) ([]Imported, error) {
	if err := within(p, r.Organization, credential.CredentialsWrite); err != nil {
		return nil, err
	}
	if _, err := a.store.Organization(ctx, r.Organization); err != nil {
		return nil, err
	}
	if len(r.Lines) == 0 {
		return nil, credential.Errorf(credential.BadRequest, "there is nothing to import; send one JSON object a line")
	}
	b := &batch{a, r, act{p, a.clock()}, make([]*credential.Credential, len(r.Lines)), make([]Imported, len(r.Lines)), map[[32]byte]uuid.UUID{}}
	for i := range r.Lines {
		if err := b.answer(i, b.draft(ctx, i)); err != nil {
			return nil, err
		}
	}
	err := a.transact(ctx, p, r.Organization, func(tx *store.Tx) error {
		for i := range b.r.Lines {
			if b.results[i].Result == "" {
				if err := b.store(ctx, tx, i); err != nil {
					return err
				}
			}
		}
		if b.r.DryRun || b.keptOut() || b.count(ImportDone) == 0 {
			return errNothingStored
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothingStored) {
		return nil, err
	}
	b.settle()
	return b.results, nil
}

func (b *batch) count(result ImportResult) (n int) {
	for _, r := range b.results {
		if r.Result == result {
			n++
		}
	}
	return n
}

// keptOut reports whether one line keeps all others out.
func (b *batch) keptOut() bool { return b.r.AllOrNothing && b.count(ImportRefused) > 0 }

// settle says of lines that were not stored that they weren't.
func (b *batch) settle() {
	for i := range b.results {
		r := &b.results[i]
		if r.Result == ImportDone && b.keptOut() {
			r.Result = ImportSkipped
		}
		if r.Credential == b.id(i) && (b.r.DryRun || r.Result == ImportSkipped) {
			r.Credential = uuid.Nil
		}
	}
}

func (b *batch) id(i int) uuid.UUID {
	if b.drafts[i] == nil {
		return uuid.Nil
	}
	return b.drafts[i].ID
}

// answer notes why a line is refused. Whatever is no fault of the line is an
// error of the whole call.
func (b *batch) answer(i int, err error) error {
	var shown *credential.Error
	faults := []credential.ErrorKind{credential.Invalid, credential.BadRequest, credential.Forbidden, credential.NotFound, credential.Conflict, credential.LimitReached}
	if errors.As(err, &shown) && slices.Contains(faults, shown.Kind) {
		b.results[i] = Imported{Result: ImportRefused, Err: shown}
		return nil
	}
	return err
}

// draft checks all of a line that needs no transaction.
func (b *batch) draft(ctx context.Context, i int) error {
	line := &b.r.Lines[i]
	if line.Err != nil {
		return line.Err
	}
	line.Organization = b.r.Organization
	if err := b.readSecret(line); err != nil {
		return err
	}
	c, err := b.Authority.draft(ctx, b.by.by, line.IssueRequest, b.by.at)
	if err != nil {
		return err
	}
	if err := c.Scheme.Imports(); err != nil {
		return credential.InvalidField("scheme", "%s", err)
	}
	if err := b.own(ctx, b.by.by, c, line.IssueRequest); err != nil {
		return err
	}
	b.drafts[i] = c
	return b.maySee(ctx, b.by.by, c)
}

// readSecret makes the digest of a secret that is given as it is.
func (b *batch) readSecret(line *ImportLine) error {
	switch {
	case line.Secret == "" && line.Digest == credential.Digest{}:
		return credential.InvalidField("sha256", "give sha256 or secret")
	case line.Secret == "":
		return nil
	case line.Digest != credential.Digest{}:
		return credential.InvalidField("secret", "give sha256 or secret, not both")
	case jwt.Looks(line.Secret):
		return credential.InvalidField("secret", "looks like a JSON Web Token, which is verified by its signature and can't be imported")
	}
	if err := b.schemes.CheckForeign("secret", line.Secret); err != nil {
		return err
	}
	line.Digest, line.Secret = credential.DigestOf(line.Secret), ""
	return nil
}

// store is the part of an import within the transaction, of one line.
func (b *batch) store(ctx context.Context, tx *store.Tx, i int) error {
	c, key := b.drafts[i], b.importer.ImportKey(b.r.Lines[i].Digest)
	existing, err := b.existing(ctx, tx, i)
	if err != nil || existing != nil {
		if existing != nil {
			b.results[i] = *existing
		}
		return err
	}
	err = ownerIsThere(ctx, tx, c)
	if err == nil {
		err = administersStill(ctx, tx, b.by.by, c)
	}
	if err == nil {
		err = checkPolicy(ctx, tx, b.by.by, c)
	}
	if err == nil {
		err = b.checkLimit(ctx, tx, c)
	}
	if err != nil {
		return b.answer(i, err)
	}
	if err := tx.InsertCredential(ctx, c); err != nil {
		return err
	}
	err = tx.InsertSecret(ctx, c.ID, store.NewSecret{
		Key: key, KeyVersion: b.Authority.store.Root().Version(), Imported: true,
		SecretInfo: credential.SecretInfo{
			Generation: c.Generation, Fingerprint: b.r.Lines[i].Digest.Fingerprint(), Hint: credential.HintImported, CreatedAt: b.by.at,
		},
	})
	if err != nil {
		return err
	}
	tx.Record(b.by.event("credential.import", targetOf(c), details(c)))
	b.seen[key.Bytes()] = c.ID
	b.results[i] = Imported{Result: ImportDone, Credential: c.ID}
	return nil
}

// existing is the result of a line whose secret was imported before, if it
// was. Whose it is is told only to those who look after that credential.
func (b *batch) existing(ctx context.Context, tx *store.Tx, i int) (*Imported, error) {
	keys := b.importKeys(b.r.Lines[i].Digest)
	if id, ok := b.seen[keys[0].Bytes()]; ok {
		if b.r.DryRun || b.r.AllOrNothing { // it may not be stored in the end
			id = uuid.Nil
		}
		return &Imported{Result: ImportExisting, Credential: id}, nil
	}
	var organization uuid.UUID
	id, err := under(keys, func(key credential.LookupKey) (id uuid.UUID, err error) {
		id, organization, err = tx.ImportedBy(ctx, key)
		return id, err
	})
	if errors.Is(err, credential.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if organization == b.r.Organization {
		_, err := b.visible(ctx, b.by.by, id)
		if err == nil || errors.Is(err, credential.Damaged) {
			return &Imported{Result: ImportExisting, Credential: id}, nil
		}
		if !errors.Is(err, credential.NotFound) {
			return nil, err
		}
	}
	return &Imported{Result: ImportRefused, Err: credential.Errorf(credential.Conflict, "another credential has this secret")}, nil
}

// foreign reports whether text may be an imported secret. It does no I/O:
// where nothing was imported, none is.
func (a *Authority) foreign(text string) bool { return a.store.HasImports() && a.schemes.Foreign(text) }

// importKeys are the keys under which an imported secret may be stored until it
// is seen, the present one first.
func (a *Authority) importKeys(d credential.Digest) []credential.LookupKey {
	return a.importer.all(string(d[:]))
}

// lookupForeign is lookup of an imported secret. The first time that it is
// seen, it gets a lookup key like any other.
func (a *Authority) lookupForeign(ctx context.Context, text string) (*credential.Standing, error) {
	imported := a.importKeys(credential.DigestOf(text))
	rekeying := store.Rekeying{To: a.keyer.LookupKey(text), Import: imported[0]}
	standing, _, err := a.lookupAged(ctx, rekeying, append(imported, a.keyer.aged(text)...))
	return standing, err
}

// lookupAged is lookup of a secret that may be under another key than its
// present one, which it gets by that. It says under which it is.
func (a *Authority) lookupAged(ctx context.Context, r store.Rekeying, others []credential.LookupKey) (*credential.Standing, credential.LookupKey, error) {
	standing, at, err := a.store.LookupAged(ctx, r.To, others)
	if err != nil || at.Equal(r.To) {
		return standing, at, err
	}
	if !a.store.Root().IsNewest() && !slices.ContainsFunc(others, r.Import.Equal) { // the newest does it
		return standing, at, nil
	}
	r.From, r.Version = at, a.store.Root().Version()
	done, err := a.store.Rekey(ctx, r)
	if err != nil {
		// A full disk must not stop verifications. The next use tries again.
		a.log.Warn("a secret can't be keyed anew", "credential", standing.Credential.ID, "error", err)
		return standing, at, nil
	}
	if !done { // by somebody else since it was read
		return a.store.LookupAged(ctx, r.To, others)
	}
	return standing, r.To, nil
}
