package api

import "time"

// Policy is what an organization asks of its credentials, beyond what their
// schemes do. What is left out asks nothing.
type Policy struct {
	Schemes            []SchemePolicy `json:"schemes,omitempty"`
	AllowedAddresses   []string       `json:"allowed_addresses,omitempty" doc:"addresses and CIDR prefixes from which alone credentials of the organization work, and sessions in it; empty means from anywhere"`
	SuspendUnusedAfter string         `json:"suspend_unused_after,omitempty" doc:"how long a credential may go unused, such as 90d; at least 7d"`
	WithheldSchemes    []string       `json:"withheld_schemes,omitempty" doc:"schemes whose credentials are refused, and none made. The operator alone says so; anybody else leaves it out or as it is"`
}

// SchemePolicy is what an organization asks of the credentials of one scheme.
type SchemePolicy struct {
	Scheme         string `json:"scheme" doc:"its name"`
	MaxLifetime    string `json:"max_lifetime,omitempty" doc:"how long one lives at most, such as 90d"`
	ExpiryRequired bool   `json:"expiry_required,omitempty" doc:"each has an expiry"`
	IssuedBy       string `json:"issued_by,omitempty" enum:"owner,admin,member,guest" doc:"the least role of who makes one; an organization's own keys count as members"`
}

// UnusedCredential is a working credential that nobody has used for long.
type UnusedCredential struct {
	ID          string    `json:"id" format:"uuid"`
	Name        string    `json:"name"`
	UnusedSince time.Time `json:"unused_since" doc:"its last use; of one that was never used, since when it works"`
}

// RevokeCredentials names credentials to revoke at once.
type RevokeCredentials struct {
	Credentials []string `json:"credentials" doc:"ids of credentials of one organization, at most 10000"`
	All         bool     `json:"all,omitempty" doc:"revoke all of them or, where one can't be, none"`
}

// RevokedCredentials is what became of credentials that were to be revoked.
type RevokedCredentials struct {
	Revoked int              `json:"revoked" doc:"how many this call has ended"`
	Results []RevokedOutcome `json:"results" doc:"one for each id, in their order"`
}

// RevokedOutcome is what became of one of them.
type RevokedOutcome struct {
	Credential string `json:"credential" format:"uuid"`
	Outcome    string `json:"outcome" enum:"revoked,was_revoked,not_found" doc:"not_found also stands for what isn't the caller's to revoke"`
	Damaged    bool   `json:"damaged,omitzero" doc:"its record can't be read; it is revoked like any other"`
}
