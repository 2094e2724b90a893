package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// ErrRefused means that a mail will never be taken, however often it is sent.
var ErrRefused = errors.New("the mail is refused for good")

// failure says in words of our own why a mail was not sent.
func failure(ctx context.Context, err error) error {
	var sending *gomail.SendError
	var answer *textproto.Error
	var garbled textproto.ProtocolError
	switch {
	case errors.As(err, &sending) && sending.ErrorCode() != 0:
		return refusal(sending)
	case ctx.Err() != nil:
		return fmt.Errorf("the mail server doesn't answer in time: %w", ctx.Err())
	case errors.As(err, &sending):
		return fmt.Errorf("the connection to the mail server broke off at %s", step(sending.Reason))
	case errors.As(err, &answer) && answer.Code/10 == 53: // RFC 4954 section 6
		return fmt.Errorf("the mail server doesn't accept user and password: it answered %d", answer.Code)
	case errors.As(err, &answer):
		return fmt.Errorf("the mail server answered %d before the mail was offered", answer.Code)
	case errors.As(err, &garbled), errors.Is(err, smtp.ErrUnexpectedServerResponse):
		return errors.New("what answers there is no mail server, or not a sound one")
	default: // it couldn't be reached, has another certificate, no STARTTLS or no AUTH: nothing of this is in its words
		return fmt.Errorf("reach the mail server: %w", err)
	}
}

// refusal is what a server answered when the mail was offered. A 5xx is for
// good where it is about the recipient or the mail. Where it is about the
// sender, or about who may send, the installation can be put right.
func refusal(err *gomail.SendError) error {
	code, enhanced := err.ErrorCode(), err.EnhancedStatusCode()
	said := fmt.Errorf("the mail server answered %d to %s", code, step(err.Reason))
	if enhanced != "" {
		said = fmt.Errorf("%w (%s)", said, enhanced)
	}
	offered := err.Reason == gomail.ErrSMTPRcptTo || err.Reason == gomail.ErrSMTPData || err.Reason == gomail.ErrSMTPDataClose
	if offered && code >= 500 && code/10 != 53 && !strings.HasPrefix(enhanced, "5.7.") { // RFC 4954 section 6, RFC 3463 section 3.8
		return fmt.Errorf("%w: %w", ErrRefused, said)
	}
	return said
}

func step(reason gomail.SendErrReason) string {
	switch reason {
	case gomail.ErrSMTPMailFrom:
		return "MAIL FROM"
	case gomail.ErrSMTPRcptTo:
		return "RCPT TO"
	case gomail.ErrSMTPData:
		return "DATA"
	case gomail.ErrWriteContent, gomail.ErrSMTPDataClose:
		return "the text"
	default:
		return "the beginning"
	}
}
