package api

import "time"

// Invite asks an address to become a member of an organization.
type Invite struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

// Invitation is an invitation as it is shown.
type Invitation struct {
	ID           string    `json:"id"`
	Organization string    `json:"organization"`
	Email        string    `json:"email"`
	Role         string    `json:"role"`
	State        string    `json:"state"` // pending, accepted or expired
	InvitedBy    string    `json:"invited_by"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// IssuedInvitation is an invitation with the code that accepts it, shown once.
type IssuedInvitation struct {
	Invitation
	Code string `json:"code"`
}

// AcceptInvitation makes who has signed in a member.
type AcceptInvitation struct {
	Code string `json:"code"`
}
