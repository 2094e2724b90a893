package bunship

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

type registration struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	FullName string `json:"fullName"`
}

type registered struct {
	Message string `json:"message"`
	UserID  string `json:"userId"`
}

func (h *handlers) register(r *edge.Request, in registration) (registered, error) {
	if err := checkClasses("password", in.Password); err != nil {
		return registered{}, err
	}
	id, err := h.authority.Register(r.Context(), authority.RegisterRequest{Email: in.Email, Name: in.FullName, Password: in.Password, From: r.Origin()})
	if err != nil {
		return registered{}, fieldNames(err)
	}
	says := "Registration successful. You can log in now."
	if h.authority.SendsMail() {
		says = "Registration successful. Please check your email to verify your account."
	}
	return registered{says, userID(id)}, nil
}

// checkClasses holds a new password to what BunShip documents beside the
// installation's own rules.
func checkClasses(field, password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < 8 || n > 128:
		return credential.InvalidField(field, "must have 8 to 128 characters")
	case !strings.ContainsFunc(password, unicode.IsUpper), !strings.ContainsFunc(password, unicode.IsLower), !strings.ContainsFunc(password, unicode.IsDigit):
		return credential.InvalidField(field, "needs an upper case letter, a lower case letter and a digit")
	}
	return nil
}

// fieldNames renames the fields of an error to BunShip's.
func fieldNames(err error) error {
	names := map[string]string{"name": "fullName", "expires_at": "expiresAt", "rate_limit": "rateLimit"}
	if e := detailed(err); e != nil && names[e.Field] != "" {
		return &credential.Error{Kind: e.Kind, Field: names[e.Field], Detail: e.Detail}
	}
	return err
}

func (h *handlers) verifyEmail(r *edge.Request, _ edge.None) (message, error) {
	return message{"Email verified successfully"}, h.authority.VerifyEmail(r.Context(), r.PathValue("token"), r.Origin())
}

type credentials struct {
	Email         string `json:"email"`
	Password      string `json:"password"`
	TwoFactorCode string `json:"twoFactorCode"`
}

// tokens is what a session hands out.
type tokens struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    int    `json:"expiresIn"` // seconds
}

type loggedIn struct {
	tokens
	User loginUser `json:"user"`
}

type loginUser struct {
	ID               string `json:"id"`
	Email            string `json:"email"`
	FullName         string `json:"fullName"`
	EmailVerified    bool   `json:"emailVerified"`
	TwoFactorEnabled bool   `json:"twoFactorEnabled"`
}

func tokensOf(s *authority.SignedIn) tokens {
	return tokens{s.Access.Token.Reveal(), s.Token.Reveal(), int(s.Access.ExpiresIn.Seconds())}
}

func (h *handlers) login(r *edge.Request, in credentials) (loggedIn, error) {
	if in.Password == "" {
		return loggedIn{}, credential.InvalidField("password", "must not be empty")
	}
	s, err := h.authority.SignIn(r.Context(), authority.SignInRequest{Email: in.Email, Password: in.Password, Code: in.TwoFactorCode, From: r.Origin()})
	if err != nil {
		return loggedIn{}, err
	}
	u := s.User
	return loggedIn{tokensOf(s), loginUser{userID(u.ID), u.Email, u.Name, !u.VerifiedAt.IsZero(), u.TwoFactor}}, nil
}

type refreshing struct {
	RefreshToken string `json:"refreshToken"`
}

func (h *handlers) refresh(r *edge.Request, in refreshing) (tokens, error) {
	if in.RefreshToken == "" {
		return tokens{}, credential.InvalidField("refreshToken", "must not be empty")
	}
	s, err := h.authority.Refresh(r.Context(), in.RefreshToken, r.Origin())
	if err != nil {
		return tokens{}, err
	}
	return tokensOf(s), nil
}

type logout struct {
	AllSessions bool `json:"allSessions"`
}

func (h *handlers) logout(r *edge.Request, in logout) (message, error) {
	return message{"Logged out successfully"}, h.authority.SignOut(r.Context(), &r.Principal, in.AllSessions)
}

type address struct {
	Email string `json:"email"`
}

func (h *handlers) forgotPassword(r *edge.Request, in address) (message, error) {
	return message{"If the email exists, a password reset link has been sent"}, h.authority.ForgotPassword(r.Context(), in.Email, r.Origin())
}

type reset struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

func (h *handlers) resetPassword(r *edge.Request, in reset) (message, error) {
	if err := checkClasses("password", in.Password); err != nil {
		return message{}, err
	}
	return message{"Password reset successfully"}, h.authority.ResetPassword(r.Context(), in.Token, in.Password, r.Origin())
}

type passwordOnly struct {
	Password string `json:"password"`
}

// setup shows a second factor, once.
type setup struct {
	Secret      string   `json:"secret"`
	QRCode      string   `json:"qrCode"` // a data: URL
	OTPAuthURL  string   `json:"otpauthUrl"`
	BackupCodes []string `json:"backupCodes"`
}

func (h *handlers) setUpTwoFactor(r *edge.Request, in passwordOnly) (setup, error) {
	made, err := h.authority.SetUpTwoFactor(r.Context(), &r.Principal, in.Password)
	if err != nil {
		return setup{}, wrongPassword(err)
	}
	out := setup{
		Secret: made.Secret.Reveal(), OTPAuthURL: made.URL.Reveal(),
		QRCode: "data:image/png;base64," + base64.StdEncoding.EncodeToString(made.QRCode),
	}
	for _, code := range made.BackupCodes {
		out.BackupCodes = append(out.BackupCodes, code.Reveal())
	}
	return out, nil
}

type codeOnly struct {
	Code string `json:"code"`
}

func (h *handlers) enableTwoFactor(r *edge.Request, in codeOnly) (message, error) {
	return message{"Two-factor authentication enabled successfully"}, h.authority.EnableTwoFactor(r.Context(), &r.Principal, in.Code)
}

type passwordAndCode struct {
	Password string `json:"password"`
	Code     string `json:"code"`
}

func (h *handlers) disableTwoFactor(r *edge.Request, in passwordAndCode) (message, error) {
	err := h.authority.DisableTwoFactor(r.Context(), &r.Principal, in.Password, in.Code)
	if e := detailed(err); e != nil && e.Kind == credential.CodeWrong {
		return message{}, credential.InvalidField("code", "%s", e.Detail)
	}
	return message{"Two-factor authentication disabled successfully"}, wrongPassword(err)
}

// wrongPassword says that the password was wrong, to who has signed in.
func wrongPassword(err error) error {
	if e := detailed(err); e != nil && e.Kind == credential.Unauthenticated && e.Detail == authority.WrongPassword {
		return credential.Errorf(credential.Unauthenticated, "Invalid password")
	}
	return err
}
