package api

import "time"

// SignIn begins a session of a browser.
type SignIn struct {
	Email    string `json:"email" format:"email"`
	Password string `json:"password" format:"password"`
	// Code is of the second factor, or a backup code; needed where it is on.
	Code string `json:"code,omitempty"`
}

// SignedIn is the user who has signed in.
type SignedIn struct {
	ID        string    `json:"id" format:"uuid"`
	Email     string    `json:"email" format:"email"`
	Name      string    `json:"name"`
	TwoFactor bool      `json:"two_factor"`
	ExpiresAt time.Time `json:"expires_at" doc:"of the session, if it isn't used"`
}
