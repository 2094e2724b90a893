package authority

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// IssuerRules say which issuers of identity tokens trust rules may name, and how
// their documents are read.
type IssuerRules struct {
	webhook.Targets
	// Fetch reads a document of at most so many bytes. Without it no identity
	// token is taken.
	Fetch func(ctx context.Context, url string, most int) ([]byte, error)
	// Ask asks a provider by which people sign in. Without it nobody does.
	Ask func(ctx context.Context, q Question, most int) (status int, body []byte, err error)
}

// Question is a request to a provider: a form, or a look at what it says.
type Question struct{ URL, Form, Authorization string }

// How the keys of issuers are kept.
const (
	keysFresh     = time.Hour        // before they are read again
	keysKept      = 24 * time.Hour   // where they can't be
	askIssuerPast = 30 * time.Second // since an issuer was asked, whatever came of it
	mostIssuers   = 1000
	mostDiscovery = 64 << 10 // bytes
)

// errIssuerAway means that there are no keys to verify a token with.
var errIssuerAway = errors.New("the keys of the issuer can't be read")

// issuers keeps the keys of those that rules name. Nobody else is asked, and
// nobody more often than every half minute: not even where a token names a key
// that isn't known.
type issuers struct {
	rules IssuerRules
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	known map[string]*issuer
}

// issuer is what is known of one of them.
type issuer struct {
	turn chan struct{} // of the one call that asks it

	mu sync.Mutex
	known
	read  time.Time // what is known; zero: never
	asked time.Time
	why   error // it couldn't be read then
	used  time.Time
}

// known is what an issuer said of itself.
type known struct {
	keys     jwt.KeySet
	provider jwt.Provider
	unfit    error // why nobody can sign in by it
}

// keys are those to verify a token of an issuer with.
func (i *issuers) keys(ctx context.Context, name, token string) (jwt.KeySet, error) {
	k, err := i.about(ctx, name, token)
	return k.keys, err
}

// about is what is known of an issuer, with the key of a token among it unless
// that is empty.
func (i *issuers) about(ctx context.Context, name, token string) (known, error) {
	if i.rules.Fetch == nil {
		return known{}, errIssuerAway
	}
	is := i.issuer(name)
	k, usable, done := is.state(i.now(), token)
	if done {
		return k, usable
	}
	if usable == nil && k.has(token) { // only old: whoever has the turn reads it anew
		select {
		case is.turn <- struct{}{}:
		default:
			return k, nil
		}
	} else {
		select {
		case is.turn <- struct{}{}:
		case <-ctx.Done():
			return known{}, fmt.Errorf("%w: %w", errIssuerAway, ctx.Err())
		}
	}
	defer func() { <-is.turn }()
	if k, usable, done = is.state(i.now(), token); done { // somebody else was faster
		return k, usable
	}
	// A caller who hangs up must not spoil it for those behind.
	fresh, err := i.ask(context.WithoutCancel(ctx), name)
	if err != nil {
		i.log.Warn("the keys of an issuer of identity tokens can't be read", "issuer", name, "error", err)
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	is.asked, is.why = i.now(), err
	if err != nil {
		return k, is.away(usable)
	}
	is.known, is.read = fresh, is.asked
	return fresh, nil
}

// has reports whether there is the key of a token, if there is a token.
func (k *known) has(token string) bool { return token == "" || k.keys.Has(token) }

// away says why an issuer can't be used, where it can't.
func (is *issuer) away(usable error) error {
	if usable != nil && is.why != nil {
		return fmt.Errorf("%w: %w", usable, is.why)
	}
	return usable
}

// issuer is the place where the keys of one are kept.
func (i *issuers) issuer(name string) *issuer {
	i.mu.Lock()
	defer i.mu.Unlock()
	is := i.known[name]
	if is == nil {
		if len(i.known) >= mostIssuers {
			i.forget()
		}
		is = &issuer{turn: make(chan struct{}, 1)}
		i.known[name] = is
	}
	is.used = i.now()
	return is
}

// forget forgets the issuer that nobody has needed for longest.
func (i *issuers) forget() {
	oldest := ""
	for name, is := range i.known {
		if oldest == "" || is.used.Before(i.known[oldest].used) {
			oldest = name
		}
	}
	delete(i.known, oldest)
}

// state returns what is known, whether it may be used, and whether there is
// nothing to ask the issuer now.
func (is *issuer) state(now time.Time, token string) (k known, usable error, done bool) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.read.IsZero() || now.Sub(is.read) >= keysKept {
		usable = errIssuerAway
	}
	fresh := usable == nil && now.Sub(is.read) < keysFresh && is.has(token)
	return is.known, is.away(usable), fresh || !is.asked.IsZero() && now.Sub(is.asked) < askIssuerPast
}

// ask reads what an issuer says of itself, and the keys at the place that it
// names there.
func (i *issuers) ask(ctx context.Context, name string) (known, error) {
	document, err := i.rules.Fetch(ctx, trimSlash(name)+"/.well-known/openid-configuration", mostDiscovery)
	if err != nil {
		return known{}, err
	}
	place, err := jwt.ParseDiscovery(document, name)
	if err != nil {
		return known{}, err
	}
	if err := i.checkPlace(name, place); err != nil {
		return known{}, err
	}
	keys, err := i.rules.Fetch(ctx, place, jwt.MaxIssuerKeys)
	if err != nil {
		return known{}, err
	}
	var k known
	k.provider, k.unfit = jwt.ParseProvider(document)
	for _, place := range []string{k.provider.Token, k.provider.UserInfo} {
		k.unfit = orElse(k.unfit, i.checkPlace(name, place))
	}
	k.keys, err = jwt.ParseIssuerKeys(keys)
	return k, err
}

// checkPlace refuses keys and endpoints at a host of a private network that isn't
// the issuer's own: nobody on the internet has requests made in there.
func (i *issuers) checkPlace(name, place string) error {
	from, err := url.Parse(name)
	to, err2 := url.Parse(place)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	own := strings.EqualFold(from.Hostname(), to.Hostname())
	if !own && slices.ContainsFunc(i.rules.Targets.Private, func(host string) bool { return strings.EqualFold(host, to.Hostname()) }) {
		return errors.New("its keys or endpoints are at a private host that is another issuer's")
	}
	return nil
}

// trimSlash is an issuer as the path behind it is appended (OpenID Connect
// Discovery 1.0 section 4).
func trimSlash(name string) string {
	for len(name) > 0 && name[len(name)-1] == '/' {
		name = name[:len(name)-1]
	}
	return name
}
