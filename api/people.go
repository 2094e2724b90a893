package api

import "time"

// Person is a user of the installation, whatever organizations they are in.
type Person struct {
	ID              string     `json:"id" format:"uuid"`
	Number          int64      `json:"number" doc:"counts the users of the installation"`
	Email           string     `json:"email" format:"email"`
	Name            string     `json:"name"`
	State           string     `json:"state" enum:"active,deactivated"`
	EmailVerifiedAt *time.Time `json:"email_verified_at,omitempty"`
	TwoFactor       TwoFactor  `json:"two_factor"`
	CreatedAt       time.Time  `json:"created_at"`
}

// TwoFactor says whether a user signs in with a second factor.
type TwoFactor struct {
	Enabled         bool `json:"enabled"`
	BackupCodesLeft int  `json:"backup_codes_left"`
}

// Session is a place where a user has signed in.
type Session struct {
	ID         string    `json:"id" format:"uuid"`
	UserAgent  string    `json:"user_agent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at" doc:"as long as nobody refreshes it"`
	Cookie     bool      `json:"cookie" doc:"it is a browser's"`
	Device     string    `json:"device,omitempty" doc:"what a device calls itself that the user let act for them"`
}

// PasswordCode is the one answer that holds a one-time code.
type PasswordCode struct {
	Code      string    `json:"code" format:"password" doc:"one time only: this answer holds it and no other"`
	ExpiresAt time.Time `json:"expires_at"`
}
