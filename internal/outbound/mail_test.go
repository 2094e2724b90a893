package outbound_test

import (
	"context"
	"errors"
	"mime"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/outbound/mailtest"
)

const (
	sender   = `Gatehouse at "Äcme" <gatehouse@example.com>`
	password = "p4ss:w/rd@1"
	escaped  = "p4ss%3Aw%2Frd%401"
)

// letter has what could go wrong on the way: dots and spaces at the edges of
// lines, a line that is too long, and other alphabets.
var letter = outbound.Mail{
	ID: uuid.MustParse("01a2b3c4-0000-7000-8000-000000000001"), To: "ada@example.org",
	Subject: "Grüße aus Zürich: 設定 " + strings.Repeat("und weiter ", 12) + "=?utf-8?q?no?=",
	Text:    ".\n..two\ntrailing \t \nFrom here = there\n" + strings.Repeat("é", 1200) + "\nhttps://keys.example.com/reset#canary-4711\n",
}

func mailer(t *testing.T, url string) *outbound.Mailer {
	t.Helper()
	m, err := outbound.NewMailer(url, strings.ReplaceAll(sender, `"Äcme"`, "Acme"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// send sends a mail and wants no trace of it, nor of the password, in the error.
func send(t *testing.T, m *outbound.Mailer, letter outbound.Mail) error {
	t.Helper()
	err := m.Send(t.Context(), letter)
	if err == nil {
		return nil
	}
	for _, secret := range []string{"canary", "Grüße", password, escaped, "cDRzczp3L3JkQDE"} { // the last as it stands in base64
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q stands in the error: %v", secret, err)
		}
	}
	return err
}

// TestArrives: a mail arrives byte for byte, in all three ways.
func TestArrives(t *testing.T) {
	certificate, trusted := issue(t, "mail.example.com")
	signedIn := mailtest.Config{User: "robot@example.com", Password: password, TLS: certificate}
	implicit := signedIn
	implicit.Implicit = true
	for name, test := range map[string]struct {
		cfg    mailtest.Config
		url    string
		secure bool
	}{
		"STARTTLS":           {signedIn, "smtp://robot%40example.com:" + escaped + "@mail.example.com", true},
		"TLS from the start": {implicit, "smtps://robot%40example.com:" + escaped + "@mail.example.com:8465/", true},
		"optional":           {mailtest.Config{TLS: certificate}, "smtp://relay.example.com:25?starttls=optional", true},
		"optional, without":  {mailtest.Config{}, "smtp://relay.example.com:25?starttls=optional", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := mailtest.Start(t, test.cfg)
			m := mailer(t, test.url)
			m.Reroute(server.Address, trusted)
			if err := send(t, m, letter); err != nil {
				t.Fatal(err)
			}
			got := server.Next(t)
			if got.From != "gatehouse@example.com" || got.To != letter.To || got.Secure != test.secure || got.User != test.cfg.User {
				t.Errorf("from %q to %q by %q, over TLS %t", got.From, got.To, got.User, got.Secure)
			}
			arrived(t, got)
		})
	}
}

// arrived compares a mail that came with the letter.
func arrived(t *testing.T, got mailtest.Mail) {
	t.Helper()
	header, text := got.Text(t)
	if want := strings.ReplaceAll(letter.Text, "\n", "\r\n"); text != want { // RFC 5322 section 2.1
		t.Errorf("got text  %q\nwant text %q", text, want)
	}
	var decoder mime.WordDecoder
	if subject, err := decoder.DecodeHeader(header.Get("Subject")); err != nil || subject != letter.Subject {
		t.Errorf("got subject  %q, %v\nwant subject %q", subject, err, letter.Subject)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=UTF-8", "Mime-Version": "1.0", "To": "<ada@example.org>",
		"Message-Id": "<01a2b3c4-0000-7000-8000-000000000001@example.com>", "User-Agent": "", "X-Mailer": "", "Cc": "", "Bcc": "",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if date, err := header.Date(); err != nil || time.Since(date).Abs() > time.Hour {
		t.Errorf("Date is %v, %v", date, err)
	}
	from, err := header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Gatehouse at Acme" || from[0].Address != "gatehouse@example.com" {
		t.Errorf("From is %v, %v", from, err)
	}
}

// TestThisMachine needs no TLS, nor a certificate that somebody signed, and
// may be shown the password.
func TestThisMachine(t *testing.T) {
	certificate, _ := issue(t, "else.example.com")
	for name, cfg := range map[string]mailtest.Config{
		"plain": {User: "robot", Password: password}, "own certificate": {User: "robot", Password: password, TLS: certificate},
	} {
		t.Run(name, func(t *testing.T) {
			server := mailtest.Start(t, cfg)
			_, port, _ := net.SplitHostPort(server.Address)
			for _, host := range []string{server.Address, "localhost:" + port} {
				if err := send(t, mailer(t, "smtp://robot:"+escaped+"@"+host), letter); err != nil {
					t.Fatal(err)
				}
				if got := server.Next(t); got.User != "robot" || got.Secure != (cfg.TLS != nil) {
					t.Errorf("%s: by %q, over TLS %t", host, got.User, got.Secure)
				}
			}
		})
	}
}

// TestNothingInTheClear: without TLS that can be trusted neither password nor mail is sent.
func TestNothingInTheClear(t *testing.T) {
	good, trusted := issue(t, "mail.example.com")
	other, _ := issue(t, "mail.example.com")
	wrong, _ := issue(t, "evil.example.com")
	with, without := "robot:"+escaped+"@", ""
	for name, test := range map[string]struct {
		url string
		cfg mailtest.Config
	}{
		"no STARTTLS":             {"smtp://" + with, mailtest.Config{User: "robot", Password: password}},
		"no STARTTLS, no AUTH":    {"smtp://" + without, mailtest.Config{}},
		"unknown authority":       {"smtp://" + with, mailtest.Config{User: "robot", Password: password, TLS: other}},
		"another name":            {"smtp://" + without, mailtest.Config{TLS: wrong}},
		"no TLS from the start":   {"smtps://" + with, mailtest.Config{User: "robot", Password: password}},
		"unknown from the start":  {"smtps://" + with, mailtest.Config{User: "robot", Password: password, TLS: other, Implicit: true}},
		"a password for no AUTH":  {"smtp://" + with, mailtest.Config{TLS: good}},
		"STARTTLS, not yet begun": {"smtps://" + without, mailtest.Config{TLS: good}},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.Refuse = func(mailtest.Mail) error { t.Error("a mail was offered"); return nil }
			server := mailtest.Start(t, test.cfg)
			m := mailer(t, test.url+"mail.example.com")
			m.Reroute(server.Address, trusted)
			if err := send(t, m, letter); err == nil || errors.Is(err, outbound.ErrRefused) {
				t.Errorf("got %v, want an error that isn't for good", err)
			}
		})
	}
}

// TestRefusals tells what is for good from what may be tried again, and
// repeats nothing of what the server says.
func TestRefusals(t *testing.T) {
	at := func(data bool, code int, enhanced smtp.EnhancedCode) func(mailtest.Mail) error {
		return func(m mailtest.Mail) error {
			if (m.Data != nil) != data {
				return nil
			}
			return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "I don't like canary-4711 nor " + password}
		}
	}
	for name, test := range map[string]struct {
		refuse func(mailtest.Mail) error
		good   bool
		says   string
	}{
		"no such mailbox":  {at(false, 550, smtp.EnhancedCode{5, 1, 1}), true, "550 to RCPT TO (5.1.1)"},
		"greylisted":       {at(false, 451, smtp.EnhancedCode{4, 7, 1}), false, "451 to RCPT TO (4.7.1)"},
		"relaying denied":  {at(false, 554, smtp.EnhancedCode{5, 7, 1}), false, "554 to RCPT TO (5.7.1)"},
		"sign in first":    {at(false, 530, smtp.NoEnhancedCode), false, "530 to RCPT TO"},
		"mail not wanted":  {at(true, 554, smtp.EnhancedCode{5, 6, 0}), true, "554 to the text (5.6.0)"},
		"disk full":        {at(true, 452, smtp.EnhancedCode{4, 3, 1}), false, "452 to the text (4.3.1)"},
		"without enhanced": {at(true, 550, smtp.NoEnhancedCode), true, "550 to the text"},
	} {
		t.Run(name, func(t *testing.T) {
			server := mailtest.Start(t, mailtest.Config{Refuse: test.refuse})
			err := send(t, mailer(t, server.URL()), letter)
			if err == nil || errors.Is(err, outbound.ErrRefused) != test.good || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v; want %q, for good %t", err, test.says, test.good)
			}
			if n := server.Waiting(); n != 0 {
				t.Errorf("%d mails were taken", n)
			}
		})
	}
}

// TestWrongPassword can be put right, and isn't shown.
func TestWrongPassword(t *testing.T) {
	server := mailtest.Start(t, mailtest.Config{User: "robot", Password: "another"})
	err := send(t, mailer(t, "smtp://robot:"+escaped+"@"+server.Address), letter)
	if err == nil || errors.Is(err, outbound.ErrRefused) || !strings.Contains(err.Error(), "535") {
		t.Errorf("got %v, want 535", err)
	}
	err = send(t, mailer(t, server.URL()), letter)
	if err == nil || errors.Is(err, outbound.ErrRefused) || !strings.Contains(err.Error(), "530 to MAIL FROM") {
		t.Errorf("got %v, want 530", err)
	}
}

// TestAway: a server that can't be reached, says nothing, or is none.
func TestAway(t *testing.T) {
	server := mailtest.Start(t, mailtest.Config{})
	m := mailer(t, server.URL())
	server.Stop()
	if err := send(t, m, letter); err == nil || errors.Is(err, outbound.ErrRefused) {
		t.Errorf("stopped: got %v", err)
	}
	server.Resume(t)
	if err := send(t, m, letter); err != nil {
		t.Errorf("resumed: got %v", err)
	}
	for name, greeting := range map[string]string{"silent": "", "not SMTP": "canary-4711\r\n", "closed": "220 hi\r\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			defer close(done)
			conn, err := listener.Accept()
			if err != nil {
				done <- err
				return
			}
			defer conn.Close()
			if greeting == "" {
				cancel()
				_, _ = conn.Read(make([]byte, 1)) // until the other side gives up
			}
			_, _ = conn.Write([]byte(greeting))
		}()
		err = mailer(t, "smtp://"+listener.Addr().String()).Send(ctx, letter)
		if err == nil || errors.Is(err, outbound.ErrRefused) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", name, err)
		}
		if err := errors.Join(<-done, listener.Close()); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

// TestNoInjection: what would be a second header, recipient or command is
// refused for good, and the server isn't asked.
func TestNoInjection(t *testing.T) {
	server := mailtest.Start(t, mailtest.Config{Refuse: func(mailtest.Mail) error { t.Error("a mail was offered"); return nil }})
	m := mailer(t, server.URL())
	for _, bad := range []outbound.Mail{
		{To: "ada@example.org\r\nBcc: eve@example.net"}, {To: "ada@example.org>\r\nRCPT TO:<eve@example.net"}, {To: "\"a\r\nb\"@example.org"},
		{To: "ada@example.org, eve@example.net"}, {To: "all: ada@example.org;"}, {To: "ada"}, {To: ""}, {To: "a\x00@example.org"},
		{To: "ada@example.org", Subject: "Hello\r\nBcc: eve@example.net"}, {To: "ada@example.org", Subject: "Hello\nX: y"},
		{To: "ada@example.org", Subject: "Hello\rX: y"}, {To: "ada@example.org", Subject: "Hello\u0085X: y"},
	} {
		if err := send(t, m, bad); !errors.Is(err, outbound.ErrRefused) {
			t.Errorf("to %q, %q: got %v, want a refusal for good", bad.To, bad.Subject, err)
		}
	}
}

// TestSettings refuses what a mail server or a sender can't be, and never
// repeats it.
func TestSettings(t *testing.T) {
	for _, url := range []string{
		"smtp://mail.example.com", "smtp://mail.example.com:25/", "smtps://u:p@mail.example.com", "smtp://u:p@localhost", "smtp://[::1]:25",
		"smtp://mailpit:1025?starttls=optional", "smtp://u:p@127.0.0.1?starttls=optional",
	} {
		if _, err := outbound.NewMailer(url, "gatehouse@example.com"); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"", "mail.example.com", "http://u:hunter2@mail.example.com", "smtp://", "smtp://:587", "smtp:mail.example.com", "smtp://mail.example.com/path",
		"smtp://u:hunter2@mail.example.com:0", "smtp://u:hunter2@mail.example.com:65536", "smtp://u:hunter2@mail.example.com:x",
		"smtp://u:hun/ter2@mail.example.com", "smtp://u:hunter2%zz@mail.example.com", "smtp://hunter2@mail.example.com", "smtp://:hunter2@mail.example.com",
		"smtp://u:hunter2@mail.example.com?starttls=optional", "smtp://mail.example.com?starttls=never", "smtp://mail.example.com?x=hunter2",
		"smtps://mail.example.com?starttls=optional", "smtp://mail.example.com#x",
	} {
		if _, err := outbound.NewMailer(url, "gatehouse@example.com"); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2@") {
			t.Errorf("%s: got %v, want a refusal without the password", url, err)
		}
	}
	for _, from := range []string{"gatehouse@example.com", "Gatehouse <gatehouse@example.com>", sender} {
		if _, err := outbound.NewMailer("smtp://localhost", from); err != nil {
			t.Errorf("%s: %v", from, err)
		}
	}
	for _, from := range []string{"", "gatehouse", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "A\r\n B <a@example.com>"} {
		if _, err := outbound.NewMailer("smtp://localhost", from); err == nil {
			t.Errorf("%q was taken", from)
		}
	}
}
