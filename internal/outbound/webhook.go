package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// Bounds of one exchange with an endpoint.
const (
	exchangeTimeout = 10 * time.Second
	mostHeader      = 16 << 10 // bytes of the answer's header
	mostAnswer      = 64 << 10 // bytes of its body
	keptAnswer      = 500      // characters of it
)

// Poster sends webhooks. Make one with NewPoster.
//
// It goes where webhook.Targets lets it, asked of the address that is dialled,
// after the name was looked up. It follows no redirect, knows no proxy, and
// keeps no connection: each message asks anew.
type Poster struct {
	targets  webhook.Targets
	agent    string
	timeout  time.Duration
	resolver *net.Resolver // nil: that of the system
	dialling func(address string) error
}

// NewPoster makes a Poster that introduces itself as an agent.
func NewPoster(targets webhook.Targets, agent string) *Poster {
	return &Poster{targets: targets, agent: agent, timeout: exchangeTimeout}
}

// Post is a request to an endpoint.
type Post struct {
	URL    string
	Header map[string]string
	Body   []byte
}

// Answer is what an endpoint answered.
type Answer struct {
	Status     int
	Body       string        // how it begins, as text
	RetryAfter time.Duration // 0: it doesn't say
}

// ErrNoAnswer means that an endpoint didn't answer, or not as it must. It says
// why in words that may be shown.
type ErrNoAnswer string

// Error says why.
func (e ErrNoAnswer) Error() string { return string(e) }

// Send makes a request and reads the answer, all of it within ten seconds. Any
// error is ErrNoAnswer.
func (p *Poster) Send(ctx context.Context, post Post) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, post.URL, bytes.NewReader(post.Body))
	if err != nil {
		return Answer{}, ErrNoAnswer("the URL can't be read")
	}
	for name, value := range post.Header {
		request.Header.Set(name, value)
	}
	request.Header.Set("User-Agent", p.agent)
	response, err := p.transport(request.URL.Hostname()).RoundTrip(request) // which follows no redirect
	if err != nil {
		return Answer{}, unanswered(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	answer := Answer{response.StatusCode, beginning(body), retryAfter(response.Header)}
	if err != nil {
		return answer, unanswered(ctx, err)
	}
	return answer, nil
}

// transport makes the connection of one request to a host.
func (p *Poster) transport(host string) *http.Transport {
	dialer := &net.Dialer{Resolver: p.resolver, Control: func(network, address string, _ syscall.RawConn) error {
		if err := p.targets.CheckDial(host, network, address); err != nil || p.dialling == nil {
			return err
		}
		return p.dialling(address)
	}}
	return &http.Transport{
		Proxy: nil, DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: mostHeader, ForceAttemptHTTP2: true,
	}
}

// beginning is how an answer begins, as text that can be stored.
func beginning(body []byte) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\x00", "\uFFFD")
	n := 0
	for at := range text {
		if n == keptAnswer {
			return text[:at]
		}
		n++
	}
	return text
}

// retryAfter reads how long an endpoint wants to be left alone (RFC 9110
// section 10.2.3). A date is taken by that of the answer itself.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, webhook.MaxPause)
	}
	at, err := http.ParseTime(text)
	now, errNow := http.ParseTime(h.Get("Date"))
	if err != nil || errNow != nil || !at.After(now) {
		return 0
	}
	return min(at.Sub(now), webhook.MaxPause)
}

// unanswered says in words of our own why there is no answer: what the URL says
// is left out, and what the network is like behind an address too.
func unanswered(ctx context.Context, err error) error {
	var dns *net.DNSError
	var dial *net.OpError
	switch {
	case errors.Is(err, webhook.ErrForbidden):
		return ErrNoAnswer(webhook.ErrForbidden.Error())
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return ErrNoAnswer("it didn't answer in time")
	case errors.As(err, &dns):
		return ErrNoAnswer("the name of the host isn't known")
	case errors.As(err, &dial) && dial.Op == "dial":
		return ErrNoAnswer("it couldn't be reached")
	case isCertificate(err):
		return ErrNoAnswer("its certificate isn't trusted")
	default:
		return ErrNoAnswer("the connection broke off")
	}
}

// isCertificate recognises an endpoint that can't show who it is.
func isCertificate(err error) bool {
	var failed *tls.CertificateVerificationError
	return errors.As(err, &failed)
}
