// Package outbound is the ways out of the process: to the mail server, and to
// the endpoints of webhooks.
//
// It hides SMTP and how a mail is written, and HTTP to places that strangers
// name. Its invariants:
//
//   - A password goes over verified TLS alone, or to this very machine.
//   - Nothing in a mail becomes a header of it, or a command to the server.
//   - No error repeats what a mail says, nor the password. So it doesn't
//     repeat what a server answers either, which may quote both.
//   - A webhook reaches no address but those of the public internet, whatever a
//     name is said to mean at that moment, and is led nowhere else from there.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"
)

// timeout bounds the sending of one mail, from dialling to the last answer.
const timeout = 30 * time.Second

// Mail is a plain text to one address.
type Mail struct {
	// ID names the mail: sent again, it has the same Message-ID, by which
	// others can tell. Nil draws one.
	ID                uuid.UUID
	To, Subject, Text string
}

// Mailer sends mail by one server. Make one with NewMailer.
type Mailer struct {
	host           string
	port           int
	user, password string
	implicit       bool // TLS from the first byte, not by STARTTLS
	optional       bool // STARTTLS only where the server has it
	from           *mail.Address
	tls            *tls.Config
	dialer         func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewMailer makes a Mailer of a URL and of the address that mail is from,
// which may have a display name:
//
//	smtp://user:password@mail.example.com      port 587, STARTTLS or nothing
//	smtps://user:password@mail.example.com     port 465, TLS from the start
//	smtp://localhost:25                        STARTTLS if the server has it
//	smtp://relay:1025?starttls=optional        the same, and no password
func NewMailer(smtpURL, from string) (*Mailer, error) {
	m, err := parseServer(smtpURL)
	if err != nil {
		return nil, err
	}
	if m.from, err = mail.ParseAddress(from); err != nil || controls(from) {
		return nil, errors.New("the sender must be an e-mail address, such as Gatehouse <gatehouse@example.com>")
	}
	// Where TLS is optional whoever can change the connection can end it too:
	// a certificate proves nothing, and is often one that nobody signed.
	m.tls = &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: m.optional}
	m.dialer = (&net.Dialer{Control: m.control}).DialContext
	return m, nil
}

// parseServer never repeats the URL: a password may stand in it.
func parseServer(smtpURL string) (*Mailer, error) {
	malformed := errors.New("a mail server is written smtp://user:password@mail.example.com:587, or smtps://… for TLS from the start, with other signs in the password as %2F")
	u, err := url.Parse(smtpURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return nil, malformed
	}
	m := &Mailer{host: u.Hostname(), port: 587, user: u.User.Username(), implicit: u.Scheme == "smtps"}
	m.password, _ = u.User.Password()
	if m.implicit {
		m.port = 465
	}
	if text := u.Port(); text != "" {
		if m.port, err = strconv.Atoi(text); err != nil || m.port < 1 || m.port > 65535 {
			return nil, malformed
		}
	}
	m.optional = !m.implicit && (u.RawQuery == "starttls=optional" || isLocal(m.host))
	switch {
	case (m.user == "") != (m.password == ""):
		return nil, errors.New("a mail server takes a user and a password, or neither")
	case u.RawQuery != "" && (u.RawQuery != "starttls=optional" || m.implicit):
		return nil, errors.New("the one thing that can follow the host is ?starttls=optional, after smtp://")
	case m.optional && m.password != "" && !isLocal(m.host):
		return nil, errors.New("with ?starttls=optional the password could be read on its way; leave out one of the two")
	}
	return m, nil
}

// isLocal recognises this machine.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// control refuses to reach a local name anywhere else, wherever it was found.
func (m *Mailer) control(_, address string, _ syscall.RawConn) error {
	if ip, err := netip.ParseAddrPort(address); isLocal(m.host) && (err != nil || !ip.Addr().Unmap().IsLoopback()) {
		return fmt.Errorf("%s is not this machine", m.host)
	}
	return nil
}

// controls reports whether a text has control characters, such as those that
// end a line.
func controls(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// Send hands a mail to the server. An error that is ErrRefused is for good:
// this mail will never be taken. After any other it may be tried again.
func (m *Mailer) Send(ctx context.Context, letter Mail) error {
	msg, err := m.write(letter)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := m.client(ctx)
	if err != nil {
		return fmt.Errorf("set up the way to the mail server: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // whatever became of the good-bye
	}
	return failure(ctx, err)
}

// write makes the message: headers, and the text as text/plain in UTF-8.
func (m *Mailer) write(letter Mail) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(letter.To)
	if err != nil || controls(letter.To) || to.Address != letter.To { // a bare one, without name or group
		return nil, errors.New("it is for no e-mail address")
	}
	if controls(letter.Subject) {
		return nil, errors.New("its subject has control characters")
	}
	if letter.ID == uuid.Nil {
		letter.ID = uuid.New()
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(to)
	msg.Subject(letter.Subject)
	msg.SetDate()
	_, domain, _ := strings.Cut(m.from.Address[strings.LastIndex(m.from.Address, "@"):], "@")
	msg.SetMessageIDWithValue(letter.ID.String() + "@" + domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody is there to answer
	msg.SetBodyString(gomail.TypeTextPlain, letter.Text)
	return msg, nil
}

// client makes what sends one mail. Its connection ends with ctx.
func (m *Mailer) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(m.port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(m.tls),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return m.dial(ctx) }),
	}
	switch {
	case m.implicit:
		options = append(options, gomail.WithSSL())
	case m.optional:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if m.password != "" {
		options = append(options, gomail.WithUsername(m.user), gomail.WithPassword(m.password), gomail.WithOpportunisticSMTPAuth(m.mechanisms()...))
	}
	return gomail.NewClient(m.host, options...)
}

// mechanisms are the ways in which the password is shown, the best first. The
// names for doing so without TLS are for this machine: see parseServer.
func (m *Mailer) mechanisms() []gomail.SMTPAuthType {
	if m.optional {
		return []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc}
	}
	return []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin}
}

func (m *Mailer) dial(ctx context.Context) (net.Conn, error) {
	conn, err := m.dialer(ctx, "tcp", net.JoinHostPort(m.host, strconv.Itoa(m.port)))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if !m.implicit {
		return conn, nil
	}
	secure := tls.Client(conn, m.tls)
	return secure, secure.HandshakeContext(ctx)
}
