package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// configFile is what a configuration file says.
type configFile struct {
	path     string
	text     string
	settings map[string]string
	schemes  []*credential.Scheme
	prices   map[string]int64
}

// readFile reads the configuration file, if one is named.
func (a *app) readFile() (*configFile, error) {
	f := &configFile{path: a.flags["config"], settings: map[string]string{}}
	if f.path == "" {
		f.path = a.getenv("GATEHOUSE_CONFIG")
	}
	if f.path == "" {
		return f, nil
	}
	var raw struct {
		Scheme []declaredScheme `toml:"scheme"`
		Prices map[string]int64 `toml:"prices"`
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return nil, &usageError{fmt.Errorf("read the configuration: %w; name a TOML file with --config or GATEHOUSE_CONFIG, or leave it out", err)}
	}
	f.text = string(text)
	var all map[string]any
	if _, err := toml.Decode(f.text, &all); err != nil {
		return nil, tomlError(f.path, err)
	}
	if _, single := all["scheme"].(map[string]any); single {
		return nil, usagef("%s: write [[scheme]], in two pairs of brackets, above each scheme", f.path)
	}
	meta, err := toml.Decode(f.text, &raw)
	if err != nil {
		return nil, tomlError(f.path, err)
	}
	if f.prices = raw.Prices; !f.pricesGood() {
		return nil, usagef("%s: a price in [prices] is from 0 to %d coins, and what it is for has 1 to 200 bytes", f.path, authority.MaxCost)
	}
	known := map[string]bool{"scheme": true, "prices": true}
	for _, o := range options() {
		known[o.key()] = !o.secret
	}
	for key, value := range all {
		if !known[key] {
			return nil, usagef("%s: there is no setting %q", f.place(key), key)
		}
		f.settings[key] = settingText(value)
	}
	for _, key := range meta.Undecoded() {
		if key[0] == "scheme" {
			return nil, usagef("%s: there is no setting %q", f.place(key[len(key)-1]), key)
		}
	}
	for _, d := range raw.Scheme {
		if i := repeated(d.Scopes); i >= 0 {
			return nil, usagef("%s: scheme %q: scope %q is named twice", f.path, d.Name, d.Scopes[i])
		}
		if d.PerMinute < 0 {
			return nil, usagef("%s: scheme %q: rate_limit is how many requests a minute, or 0 for no limit", f.path, d.Name)
		}
		f.schemes = append(f.schemes, d.scheme())
	}
	return f, nil
}

// pricesGood reports whether each price can be paid.
func (f *configFile) pricesGood() bool {
	for resource, price := range f.prices {
		if price < 0 || price > authority.MaxCost || resource == "" || len(resource) > 200 {
			return false
		}
	}
	return true
}

// repeated finds an item that stands in a list before, or -1.
func repeated[T comparable](list []T) int {
	for i, item := range list {
		if slices.Contains(list[:i], item) {
			return i
		}
	}
	return -1
}

// place names the line of the file where a key stands.
func (f *configFile) place(key string) string {
	for i, line := range strings.Split(f.text, "\n") {
		if name, _, ok := strings.Cut(line, "="); ok && strings.Trim(name, " \t\"'") == key {
			return fmt.Sprintf("%s: line %d", f.path, i+1)
		}
	}
	return f.path
}

// settingText writes a value of the file as it would stand in a flag.
func settingText(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = fmt.Sprint(item)
	}
	return strings.Join(parts, ",")
}

func tomlError(path string, err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return usagef("%s: line %d: %s", path, parse.Position.Line, parse.Message)
	}
	return &usageError{fmt.Errorf("%s: %w", path, err)}
}

// declaredScheme is a scheme as an operator writes it.
type declaredScheme struct {
	Name          string                    `toml:"name"`
	Kind          credential.Kind           `toml:"kind"`
	Mode          string                    `toml:"mode"`
	Prefix        string                    `toml:"prefix"`
	ClientPrefix  string                    `toml:"client_prefix"` // of the public id, for kind oauth_client
	Alphabet      credential.Alphabet       `toml:"alphabet"`
	Length        int                       `toml:"length"`
	Owner         credential.OwnerType      `toml:"owner"`
	Expiry        credential.ExpiryMode     `toml:"expiry"`
	LifetimeDays  []int                     `toml:"lifetime_days"`
	ExpiryFixed   bool                      `toml:"expiry_fixed"`
	MaxActive     int                       `toml:"max_active"`
	PerMinute     int                       `toml:"rate_limit"`
	Metered       bool                      `toml:"metered"`
	CountedAs     string                    `toml:"counted_as"`
	Scopes        []credential.Scope        `toml:"scopes"`
	DefaultScopes []credential.Scope        `toml:"default_scopes"`
	Presented     []credential.Presentation `toml:"presented"`
	HintFirst     int                       `toml:"hint_first"`
	HintLast      int                       `toml:"hint_last"`
}

// scheme fills in what was left out. A scope that has the name of a native
// permission stands for it; any other is a permission of the operator's service.
func (d *declaredScheme) scheme() *credential.Scheme {
	s := &credential.Scheme{
		Name: d.Name, Kind: or(d.Kind, credential.APIKey), Mode: d.Mode,
		Text:  credential.Format{Prefix: d.Prefix, Alphabet: or(d.Alphabet, credential.Base62), Length: or(d.Length, 40)},
		Owner: or(d.Owner, credential.OwnedByOrganization), Expiry: or(d.Expiry, credential.ExpiryOptional),
		LifetimeDays: d.LifetimeDays, ExpiryFixed: d.ExpiryFixed, MaxActive: d.MaxActive, CountedAs: d.CountedAs, PerMinute: d.PerMinute, Metered: d.Metered,
		Presented: d.Presented, HintFirst: d.HintFirst, HintLast: d.HintLast,
		Scopes: credential.ScopeRule{Known: map[credential.Scope]credential.PermissionSet{}, Default: d.DefaultScopes},
	}
	if d.ClientPrefix != "" {
		s.ClientID = &credential.Format{Prefix: d.ClientPrefix, Alphabet: credential.Base62, Length: 20}
	}
	switch {
	case len(s.Presented) > 0:
	case s.Kind == credential.OAuthClient:
		s.Presented = []credential.Presentation{credential.AsTokenEndpoint}
		if s.HintFirst == 0 && s.HintLast == 0 {
			s.HintPublic = credential.HintClientID
		}
	default:
		s.Presented = []credential.Presentation{credential.AsBearer, credential.AsAPIKeyHeader}
	}
	for _, scope := range d.Scopes {
		s.Scopes.Known[scope] = credential.PermissionsOf(credential.Permission(scope))
	}
	return s
}
