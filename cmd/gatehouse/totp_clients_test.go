package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// authenticator makes the code of now and the next one, from what the set-up
// showed: the URI, or the secret alone.
type authenticator func(t *testing.T, uri, secret string) (now, next string)

// TestBSD34_BSD36_RealAuthenticators lets programs that others wrote read the
// QR code and make the codes.
func TestBSD34_BSD36_RealAuthenticators(t *testing.T) {
	t.Parallel()
	p := serveGatehouse(t, "demo", "--json", "--listen", "127.0.0.1:0")
	line, _, _ := strings.Cut(p.stdout.String(), "\n")
	var made sample
	if err := json.Unmarshal([]byte(line), &made); err != nil || len(made.Users) < 2 {
		t.Fatalf("the demo says nothing of its users: %v: %s", err, line)
	}
	t.Run("oathtool", func(t *testing.T) { useAuthenticator(t, made.URL, made.Users[0], oathtool) })
	t.Run("otplib", func(t *testing.T) { useAuthenticator(t, made.URL, made.Users[1], otplib) })
}

func oathtool(t *testing.T, _, secret string) (now, next string) {
	t.Helper()
	codes := strings.Fields(outputOf(t, "", "oathtool", "--totp", "--base32", "--window=1", secret))
	if len(codes) != 2 {
		t.Fatalf("oathtool says %v", codes)
	}
	return codes[0], codes[1]
}

func otplib(t *testing.T, uri, secret string) (now, next string) {
	t.Helper()
	input, err := json.Marshal(map[string]string{"uri": uri})
	if err != nil {
		t.Fatal(err)
	}
	var says struct {
		Type, Label, Issuer, Secret string
		Codes                       []string
	}
	out := outputOf(t, string(input), "node", filepath.Join(clientPrograms(t), "otplib.mjs"))
	if err := json.Unmarshal([]byte(out), &says); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if says.Type != "totp" || says.Secret != secret || says.Issuer != "Gatehouse" || says.Label != "Gatehouse:admin@demo.test" || len(says.Codes) != 2 {
		t.Fatalf("otplib reads in the QR code: %s", out)
	}
	return says.Codes[0], says.Codes[1]
}

// outputOf is what a program prints when it is given some input.
func outputOf(t *testing.T, input string, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (where it or a library is missing, run make test)\n%s%s", command[0], err, out, stderr.String())
	}
	return string(out)
}

// useAuthenticator sets a second factor up, turns it on, signs in by it, and
// turns it off by a backup code.
func useAuthenticator(t *testing.T, url string, user sampleUser, codes authenticator) {
	call := func(path, token string, body map[string]string, status int) (answer struct {
		AccessToken, Secret, QRCode, OTPAuthURL string
		BackupCodes                             []string
	}) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/auth/"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != status {
			t.Fatalf("%s: got %d, %v, want %d", path, resp.StatusCode, err, status)
		}
		return answer
	}
	login := map[string]string{"email": user.Email, "password": user.Password}
	token := call("login", "", login, 200).AccessToken
	setup := call("two-factor/setup", token, map[string]string{"password": user.Password}, 200)
	uri := readQRCode(t, setup.QRCode)
	if uri != setup.OTPAuthURL {
		t.Errorf("the QR code says %s, beside it stands %s", uri, setup.OTPAuthURL)
	}
	now, next := codes(t, uri, setup.Secret)
	call("two-factor/verify", token, map[string]string{"code": now}, 200)
	call("login", "", login, 401)
	login["twoFactorCode"] = now
	call("login", "", login, 401) // it was used
	login["twoFactorCode"] = next
	token = call("login", "", login, 200).AccessToken
	call("two-factor/disable", token, map[string]string{"password": user.Password, "code": setup.BackupCodes[0]}, 200)
}

// readQRCode reads a picture of a data: URL with zbarimg.
func readQRCode(t *testing.T, dataURL string) string {
	t.Helper()
	image, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(dataURL, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(outputOf(t, "", "zbarimg", "--quiet", "--raw", "--nodbus", path), "\n")
}
