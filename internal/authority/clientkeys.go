package authority

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// MaxClientKeys bounds the key set of a client, in bytes.
const MaxClientKeys = 16 << 10

// SetClientKeys gives an OAuth2 client the public keys (a JWK Set, RFC 7517
// section 5) that it signs its assertions for. They replace those before;
// empty takes them away. Whoever holds such a key acts as the client, so it is
// given by those who may see the client's secret, and taken by all who may
// change the client.
func (a *Authority) SetClientKeys(ctx context.Context, p *credential.Principal, id uuid.UUID, jwks []byte) (*Detail, error) {
	known, err := a.writable(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if known.Scheme.Kind != credential.OAuthClient {
		return nil, credential.InvalidField("jwks", "only OAuth2 clients have keys, and scheme %s is none", known.Scheme.Name)
	}
	begin, kids := a.stop, []string{}
	if len(jwks) > 0 {
		if err := a.maySee(ctx, p, known); err != nil {
			return nil, err
		}
		if kids, err = checkClientKeys(jwks); err != nil {
			return nil, err
		}
		begin = a.transact
	}
	now := a.clock()
	err = begin(ctx, p, known.Organization, func(tx *store.Tx) error {
		c, err := tx.CredentialIn(ctx, known.Organization, known.ID)
		if err != nil {
			return err
		}
		if err := administersStill(ctx, tx, p, c); err != nil {
			return err
		}
		if err := holds(ctx, credentialVersion(c)); err != nil {
			return err
		}
		return setClientKeys(ctx, tx, act{p, now}, keysOf{c, string(jwks), kids})
	})
	if err != nil {
		return nil, err
	}
	return a.detail(ctx, known.Organization, known.ID)
}

// keysOf are the keys that a client gets, and their ids.
type keysOf struct {
	client *credential.Credential
	jwks   string
	kids   []string
}

// setClientKeys is SetClientKeys within the transaction.
func setClientKeys(ctx context.Context, tx *store.Tx, by act, k keysOf) error {
	if err := alive(k.client, by.at); err != nil {
		return err
	}
	tx.Record(by.event("client.set_keys", targetOf(k.client), object(map[string]any{"name": k.client.Name, "key_ids": k.kids})))
	return tx.SetClientKeys(ctx, k.client.ID, k.jwks)
}

// checkClientKeys returns the ids of the keys in a set that a client may have.
func checkClientKeys(jwks []byte) ([]string, error) {
	if len(jwks) > MaxClientKeys {
		return nil, credential.InvalidField("jwks", "the key set may have at most %d bytes", MaxClientKeys)
	}
	keys, err := jwt.ParseKeySet(jwks)
	if err != nil {
		return nil, credential.InvalidField("jwks", "%s", strings.Replace(err.Error(), jwt.BadKey.Error()+": ", "", 1))
	}
	return keys.IDs(), nil
}

// clientKeyIDs lists the keys of a client by their ids. Keys that can't be
// read are logged, and verify nothing.
func (a *Authority) clientKeyIDs(ctx context.Context, c *credential.Credential) ([]string, error) {
	if c.ClientID == "" {
		return nil, nil
	}
	client, err := a.store.ClientByID(ctx, c.ClientID)
	if err != nil || client.JWKS == "" {
		return nil, err
	}
	keys, err := jwt.ParseKeySet([]byte(client.JWKS))
	if err != nil {
		a.log.Error("the keys of a client are damaged; they are refused", "credential", c.ID, "error", err)
		return nil, nil
	}
	return keys.IDs(), nil
}
