package api

import "time"

// Invite asks an address to become a member of an organization.
type Invite struct {
	Email string `json:"email" format:"email"`
	Role  string `json:"role" enum:"owner,admin,member,guest"`
}

// Invitation is an invitation as it is shown.
type Invitation struct {
	ID           string    `json:"id" format:"uuid"`
	Organization string    `json:"organization" format:"uuid"`
	Email        string    `json:"email" format:"email"`
	Role         string    `json:"role" enum:"owner,admin,member,guest"`
	State        string    `json:"state" enum:"pending,accepted,expired"`
	InvitedBy    string    `json:"invited_by" doc:"who made it, such as operator or user:…"`
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// IssuedInvitation is an invitation with the code that accepts it, shown once.
type IssuedInvitation struct {
	Invitation
	Code string `json:"code" format:"password" doc:"one time only: this answer holds it and no other"`
}

// AcceptInvitation makes who has signed in a member.
type AcceptInvitation struct {
	Code string `json:"code" doc:"of the invitation"`
}
