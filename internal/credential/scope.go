package credential

import (
	"slices"
	"strings"
)

// Scope is one of the acts that a credential asks to be limited to. Which
// scopes exist, and which permissions each stands for, its scheme says.
type Scope string

// Bounds of a list of scopes.
const (
	maxScopes      = 64
	maxScopeLength = 64
)

// The scopes with a meaning of their own.
const (
	// UserScope stands for whatever its user may do at the time of the request.
	UserScope Scope = "user"
	// AllScope stands for every other scope of its scheme.
	AllScope Scope = "*"
)

// validScope reports whether s is a scope-token of RFC 6749 section 3.3.
func validScope(s Scope) bool {
	if s == "" || len(s) > maxScopeLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}

// ScopeRule says which scopes a scheme knows and how they are chosen.
type ScopeRule struct {
	// Known maps each scope to the native permissions it stands for. A scope
	// that stands for none is a permission of the service behind Gatehouse.
	Known map[Scope]PermissionSet
	// Default is what a credential gets when none are asked for; empty means
	// that they must be chosen.
	Default []Scope
	// Fixed means that nobody chooses: the default is all there is.
	Fixed bool
	// Alias maps another spelling to the known scope it equals.
	Alias map[Scope]Scope
}

// Choose checks the scopes asked for (nil means none were) and returns the
// explicit list to store. The names are kept as they were sent.
func (r ScopeRule) Choose(asked []Scope) ([]Scope, error) {
	switch {
	case asked == nil && len(r.Default) > 0:
		return slices.Clone(r.Default), nil
	case len(asked) == 0:
		return nil, InvalidField("scopes", "choose at least one of: %s", r.list())
	case len(asked) > maxScopes:
		return nil, InvalidField("scopes", "at most %d scopes", maxScopes)
	case r.Fixed && !slices.Equal(asked, r.Default):
		return nil, InvalidField("scopes", "this scheme's scopes are fixed: %s", r.list())
	}
	seen := make(map[Scope]bool, len(asked))
	for _, s := range asked {
		plain, ok := r.resolve(s)
		switch {
		case !ok:
			return nil, InvalidField("scopes", "unknown scope %q; choose from: %s", clip(string(s)), r.list())
		case seen[plain]:
			return nil, InvalidField("scopes", "scope %q is named twice", s)
		case plain == AllScope && len(asked) > 1:
			return nil, InvalidField("scopes", "\"*\" stands for every scope and can't stand beside others")
		}
		seen[plain] = true
	}
	return slices.Clone(asked), nil
}

// resolve finds the known scope that s spells.
func (r ScopeRule) resolve(s Scope) (Scope, bool) {
	if plain, ok := r.Alias[s]; ok {
		s = plain
	}
	_, ok := r.Known[s]
	return s, ok && validScope(s)
}

// resolveAll makes AllScope, where it is known, stand for what the others do.
func (r ScopeRule) resolveAll() {
	if _, ok := r.Known[AllScope]; ok {
		r.Known[AllScope] = r.Permissions(r.Names())
	}
}

// Permissions is the union of what the scopes stand for. Unknown ones, as
// left by a changed configuration, stand for nothing.
func (r ScopeRule) Permissions(scopes []Scope) (set PermissionSet) {
	for _, s := range scopes {
		if plain, ok := r.resolve(s); ok {
			set |= r.Known[plain]
		}
	}
	return set
}

// Grants reports whether the scopes allow p: a native permission through what
// they stand for, any other by its own name.
func (r ScopeRule) Grants(scopes []Scope, held PermissionSet, p Permission) bool {
	if p.Native() {
		return held.Has(p)
	}
	want, ok := r.resolve(Scope(p))
	if !ok {
		return false
	}
	return slices.ContainsFunc(scopes, func(s Scope) bool {
		plain, ok := r.resolve(s)
		return ok && (plain == want || plain == AllScope)
	})
}

// tokenPermissions is the union of what an access token's scopes stand for:
// beside those of the scheme they may be native permissions.
func (r ScopeRule) tokenPermissions(scopes []Scope) PermissionSet {
	set := r.Permissions(scopes)
	for _, s := range scopes {
		if _, known := r.resolve(s); !known {
			set |= Permission(s).bit()
		}
	}
	return set
}

// Narrow chooses the scopes of an access token from those that a credential
// has (RFC 6749 section 3.3): none asked for means all. A scope is granted if
// the credential has it, if its "*" stands for it, or if it is the name of a
// native permission that the credential holds.
func (c *Credential) Narrow(asked []Scope) ([]Scope, error) {
	if len(asked) == 0 {
		return c.Scopes, nil
	}
	if len(asked) > maxScopes {
		return nil, InvalidField("scope", "at most %d scopes", maxScopes)
	}
	seen := make(map[Scope]bool, len(asked))
	for _, s := range asked {
		if seen[s] {
			return nil, InvalidField("scope", "scope %q is named twice", clip(string(s)))
		}
		seen[s] = true
		if !c.mayNarrowTo(s) {
			return nil, InvalidField("scope", "scope %q is not among those of the credential", clip(string(s)))
		}
	}
	return slices.Clone(asked), nil
}

func (c *Credential) mayNarrowTo(s Scope) bool {
	rule := c.Scheme.Scopes
	if slices.Contains(c.Scopes, s) {
		return true
	}
	if plain, known := rule.resolve(s); known {
		return slices.ContainsFunc(c.Scopes, func(own Scope) bool {
			mine, ok := rule.resolve(own)
			return ok && (mine == plain || mine == AllScope)
		})
	}
	return c.Held.Has(Permission(s))
}

// Expand names the scopes that a list stands for, in their known spelling: "*"
// is all the others. Unknown ones are left out.
func (r ScopeRule) Expand(scopes []Scope) []Scope {
	var out []Scope
	for _, s := range scopes {
		plain, ok := r.resolve(s)
		switch {
		case plain == AllScope && ok:
			return slices.DeleteFunc(r.Names(), func(s Scope) bool { return s == AllScope })
		case ok:
			out = append(out, plain)
		}
	}
	return out
}

// Names returns the known scopes in alphabetical order.
func (r ScopeRule) Names() []Scope {
	names := make([]Scope, 0, len(r.Known))
	for s := range r.Known {
		names = append(names, s)
	}
	slices.Sort(names)
	return names
}

func (r ScopeRule) list() string {
	var b strings.Builder
	for i, s := range r.Names() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// clip shortens a rejected value, so that an error never echoes a secret.
func clip(s string) string {
	const most = 12
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
