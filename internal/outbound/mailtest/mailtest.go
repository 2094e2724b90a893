// Package mailtest runs an SMTP server for tests, on a loopback address. It
// hides the protocol; what it was sent is kept byte for byte.
package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Config says what a server asks for. Without any of it, it takes every mail.
type Config struct {
	User, Password string      // who may send
	TLS            *tls.Config // for STARTTLS
	Implicit       bool        // TLS from the first byte instead
	// Refuse may refuse a mail, once at RCPT TO (without Data) and once after it.
	Refuse func(Mail) error
}

// Mail is what a server was sent.
type Mail struct {
	From, To string // of the envelope
	Data     []byte
	Secure   bool   // it came over TLS
	User     string // who signed in
}

// Server is an SMTP server that runs until the test ends, or is stopped.
type Server struct {
	Address string // host and port

	cfg    Config
	mails  chan Mail
	mu     sync.Mutex
	closed []io.Closer // by Stop
}

// Start starts a server on a free port.
func Start(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := &Server{Address: "127.0.0.1:0", cfg: cfg, mails: make(chan Mail, 1000)}
	s.Resume(t)
	t.Cleanup(s.Stop)
	return s
}

// Resume starts a server that was stopped at the address that it had.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain, server.AllowInsecureAuth, server.TLSConfig = "mail.example.test", true, s.cfg.TLS
	server.ErrorLog = log.New(io.Discard, "", 0)
	if s.cfg.Implicit {
		listener = tls.NewListener(listener, s.cfg.TLS)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = []io.Closer{server, listener} // whichever of them has it yet
	go func() { _ = server.Serve(listener) }()
}

// Stop ends the server and its connections. Mail that it took is kept.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.closed {
		_ = c.Close() // the second time an error
	}
}

// URL is the server as a setting names it, without a password.
func (s *Server) URL() string { return "smtp://" + s.Address }

// Next waits for a mail.
func (s *Server) Next(t testing.TB) Mail {
	t.Helper()
	const patience = 30 * time.Second
	select {
	case m := <-s.mails:
		return m
	case <-time.After(patience):
		t.Fatal("no mail has come")
		return Mail{}
	}
}

// Waiting is how many mails have come that Next hasn't returned.
func (s *Server) Waiting() int { return len(s.mails) }

// Text reads a mail: its headers, and its text as it was before it was encoded.
func (m Mail) Text(t testing.TB) (mail.Header, string) {
	t.Helper()
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := decode(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header, text
}

// session is one connection.
type session struct {
	s    *Server
	conn *smtp.Conn
	user string
	mail Mail
}

func (s *Server) session(conn *smtp.Conn) (smtp.Session, error) {
	return &session{s: s, conn: conn}, nil
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.s.cfg.Password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.s.cfg.User || password != c.s.cfg.Password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: user + " is not let in with " + password}
		}
		c.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.s.cfg.Password != "" && c.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	_, secure := c.conn.TLSConnectionState()
	c.mail = Mail{From: from, Secure: secure, User: c.user}
	return nil
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.mail.To != "" {
		return errors.New("more than one recipient")
	}
	c.mail.To = to
	return c.refuse()
}

func (c *session) refuse() error {
	if c.s.cfg.Refuse == nil {
		return nil
	}
	return c.s.cfg.Refuse(c.mail)
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) (err error) {
	if c.mail.Data, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := c.refuse(); err != nil {
		return err
	}
	c.s.mails <- c.mail
	return nil
}

// Reset implements smtp.Session.
func (c *session) Reset() { c.mail = Mail{} }

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }

func decode(m *mail.Message) (string, error) {
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
