package console

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// toTwoFactor is the page of the second factor.
const toTwoFactor = "/console/account/two-factor"

// twoFactorPage is how the second factor is, and the forms that change it.
type twoFactorPage struct {
	On       bool
	Codes    int // backup codes that are left
	Once     string
	Waiting  bool // for the first code; without what there is to scan
	Drawn    *drawn
	Problems []trouble
}

// drawn is what an authenticator is told, shown once.
type drawn struct {
	Secret string
	Path   string // of the QR code, drawn in black
	Size   int
}

// Problem finds what is wrong with a field.
func (p twoFactorPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

func (c *console) twoFactor(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showTwoFactor(r, twoFactorPage{})
}

func (c *console) showTwoFactor(r *edge.Request, p twoFactorPage) (edge.Page, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p.On, p.Once = user.TwoFactor, rand.Text()
	if p.On {
		p.Drawn, p.Waiting = nil, false
		if p.Codes, err = c.authority.BackupCodes(r.Context(), &r.Principal); err != nil {
			return edge.Page{}, err
		}
	}
	out, err := c.render(r, "twofactor", page{Title: "Two-factor authentication", Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// setUpTwoFactor shows what an authenticator has to know.
func (c *console) setUpTwoFactor(r *edge.Request, in edge.Values) (edge.Page, error) {
	made, err := c.authority.SetUpTwoFactor(r.Context(), &r.Principal, in["password"])
	if problems := factorTroubles(err, "password", ""); problems != nil {
		return c.showTwoFactor(r, twoFactorPage{Problems: problems})
	}
	if err != nil {
		return edge.Page{}, err
	}
	path, size, err := qrPath(made.QRCode)
	if err != nil {
		return edge.Page{}, err
	}
	return c.showTwoFactor(r, twoFactorPage{Drawn: &drawn{spaced(made.Secret.Reveal()), path, size}})
}

// spaced writes a text in groups of four, as people copy it.
func spaced(text string) string {
	var out strings.Builder
	for i, r := range text {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// turnOn turns the second factor on by its first code, and shows backup codes.
func (c *console) turnOn(r *edge.Request, in edge.Values) (edge.Page, error) {
	codes, err := c.authority.EnableTwoFactorAnew(r.Context(), &r.Principal, in["code"])
	if problems := factorTroubles(err, "", "code"); problems != nil {
		return c.showTwoFactor(r, twoFactorPage{Problems: problems, Waiting: true})
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showCodes(r, "Two-factor authentication is on", codes)
}

// renewCodes shows new backup codes in place of those of before.
func (c *console) renewCodes(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	codes, err := c.authority.RenewBackupCodes(r.Context(), &r.Principal, authority.Renewal{Password: in["password"], Mark: once.Key})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, toTwoFactor)
	}
	if problems := factorTroubles(err, "password", ""); problems != nil {
		return c.showTwoFactor(r, twoFactorPage{Problems: problems})
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showCodes(r, "Your new backup codes", codes)
}

// codesPage shows backup codes, once.
type codesPage struct {
	Heading, Codes, Back string
	Count                int
}

func (c *console) showCodes(r *edge.Request, heading string, codes []credential.Secret) (edge.Page, error) {
	lines := make([]string, len(codes))
	for i, code := range codes {
		lines[i] = code.Reveal()
	}
	return c.render(r, "backupcodes", page{Title: heading, Body: codesPage{heading, strings.Join(lines, "\n"), toTwoFactor, len(lines)}})
}

func (c *console) turnOff(r *edge.Request, in edge.Values) (edge.Page, error) {
	err := c.authority.DisableTwoFactor(r.Context(), &r.Principal, in["off-password"], in["off-code"])
	if problems := factorTroubles(err, "off-password", "off-code"); problems != nil {
		return c.showTwoFactor(r, twoFactorPage{Problems: problems})
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/account", "single")
}

// factorTroubles says of the fields of a form for password and code what is
// wrong with them; nil for what nobody can mend there.
func factorTroubles(err error, password, code string) []trouble {
	var e *credential.Error
	if !errors.As(err, &e) {
		return nil
	}
	if wrong := wrongPassword(err, password); wrong != nil {
		return wrong
	}
	switch e.Kind {
	case credential.CodeWrong:
		return []trouble{{code, "That code doesn't match, or was used before. Codes change every 30 seconds."}}
	case credential.TooMany, credential.Invalid:
		return []trouble{{code, stop(e.Detail)}}
	case credential.Conflict, credential.NotFound: // the page says how it is
		return []trouble{{"", stop(e.Detail)}}
	}
	return nil
}

// qrPath draws a QR code, given as a black and white picture, by lines of an
// SVG path: the policy of pages takes no picture that stands in the page.
func qrPath(picture []byte) (path string, size int, err error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", 0, fmt.Errorf("read the QR code: %w", err)
	}
	b := img.Bounds()
	var out strings.Builder
	for y := b.Min.Y; y < b.Max.Y; {
		runs, height := blackRuns(img, y), 1
		for y+height < b.Max.Y && slices.Equal(runs, blackRuns(img, y+height)) {
			height++
		}
		for _, run := range runs {
			fmt.Fprintf(&out, "M%d %dh%dv%dh-%dz", run[0]-b.Min.X, y-b.Min.Y, run[1]-run[0], height, run[1]-run[0])
		}
		y += height
	}
	return out.String(), b.Dx(), nil
}

// blackRuns are where a line of a picture is black, from and to.
func blackRuns(img image.Image, y int) (runs [][2]int) {
	b := img.Bounds()
	for x := b.Min.X; x < b.Max.X; x++ {
		if v, _, _, _ := img.At(x, y).RGBA(); v >= 1<<15 {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1][1] == x {
			runs[n-1][1]++
		} else {
			runs = append(runs, [2]int{x, x + 1})
		}
	}
	return runs
}
