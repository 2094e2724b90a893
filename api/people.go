package api

import "time"

// Person is a user of the installation, whatever organizations they are in.
type Person struct {
	ID              string     `json:"id"`
	Number          int64      `json:"number"`
	Email           string     `json:"email"`
	Name            string     `json:"name"`
	State           string     `json:"state"` // active or deactivated
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
	ID         string    `json:"id"`
	UserAgent  string    `json:"user_agent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"` // as long as nobody refreshes it
	Cookie     bool      `json:"cookie"`     // it is a browser's
}

// PasswordCode is the one answer that holds a one-time code.
type PasswordCode struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}
