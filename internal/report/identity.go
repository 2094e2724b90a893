package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds of asking for a token.
const (
	mostTokenAnswer = 64 << 10 // bytes
	mostIDToken     = 16 << 10
	tokenTimeout    = 30 * time.Second
)

// ErrNoIdentity means that the CI has issued no identity token, or would issue
// one and hasn't been told to.
var ErrNoIdentity = errors.New("there is no identity token")

// IDToken gets the identity token of the CI job that this process runs in, for
// an audience: the public URL of the server, unless its trust rule says another.
// GitHub is asked for one; GitLab and others have put it into a variable.
func IDToken(ctx context.Context, getenv func(string) string, client *http.Client, audience string) (string, error) {
	if text := givenToken(getenv); text != "" {
		return checkIDToken(text)
	}
	address, token := getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	switch {
	case address != "" && token != "":
		return gitHubToken(ctx, client, gitHubRequest{address, token, audience})
	case getenv("GITHUB_ACTIONS") == "true":
		return "", fmt.Errorf("%w: let the job ask GitHub for one with \"permissions: id-token: write\" in the workflow", ErrNoIdentity)
	case getenv("GITLAB_CI") == "true":
		return "", fmt.Errorf("%w: give the job \"id_tokens: GATEHOUSE_ID_TOKEN: aud: %s\"", ErrNoIdentity, audience)
	}
	return "", fmt.Errorf("%w: on GitHub the workflow needs \"permissions: id-token: write\"; elsewhere have the CI put the token into GATEHOUSE_ID_TOKEN", ErrNoIdentity)
}

// givenToken is the one identity token that the job was given, or empty.
func givenToken(getenv func(string) string) string {
	for _, name := range []string{"GATEHOUSE_ID_TOKEN", "CIRCLE_OIDC_TOKEN_V2"} {
		if text := strings.TrimSpace(getenv(name)); text != "" {
			return text
		}
	}
	return ""
}

func checkIDToken(text string) (string, error) {
	if len(text) > mostIDToken || strings.Count(text, ".") != 2 || strings.ContainsAny(text, " \t\r\n") {
		return "", fmt.Errorf("%w: what stands in its variable is no JWT", ErrNoIdentity)
	}
	return text, nil
}

// gitHubRequest is how GitHub lets a job ask for its token.
type gitHubRequest struct{ address, token, audience string }

func gitHubToken(ctx context.Context, client *http.Client, r gitHubRequest) (string, error) {
	u, err := url.Parse(r.address)
	if err != nil || u.Scheme != "https" && !isThisMachine(u.Hostname()) {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no https:// URL")
	}
	query := u.Query()
	query.Set("audience", r.audience)
	u.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL can't be asked")
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Accept", "application/json")
	var out struct {
		Value string `json:"value"`
	}
	status, err := answered(client, request, &out)
	switch {
	case err != nil:
		return "", fmt.Errorf("ask GitHub for an identity token: %w", err)
	case status != http.StatusOK || out.Value == "":
		return "", fmt.Errorf("%w: GitHub answered %d", ErrNoIdentity, status)
	}
	return checkIDToken(out.Value)
}

func isThisMachine(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// Trade is what is exchanged.
type Trade struct {
	IDToken string
	Project string    // UUID, pr-… or PRJ-…; empty: the only one that trusts the token
	Now     time.Time // by which the end of the access token is told
}

// Refused is the refusal of an exchange, in the server's words.
type Refused struct {
	Status      int
	Code        string // of RFC 6749 section 5.2
	Description string
}

// Error says why.
func (r *Refused) Error() string {
	return fmt.Sprintf("the identity token is not traded: %s (%s)", strings.TrimSpace(r.Description), r.Code)
}

// Exchange trades an identity token for an access token of the server at a base
// URL (RFC 8693): of one project, named by its UUID or PRJ-…, or of the only one
// that trusts it. An identity token is traded once; what was refused with 503
// may be tried again.
func Exchange(ctx context.Context, client *http.Client, baseURL string, trade Trade) (token string, expires time.Time, err error) {
	form := url.Values{
		"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":      {trade.IDToken},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"},
	}
	if trade.Project != "" {
		form.Set("project", trade.Project)
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(baseURL, "/")+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", time.Time{}, errors.New("the URL of the server can't be read")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	var out struct {
		Token       string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	status, err := answered(client, request, &out)
	switch {
	case err != nil:
		return "", time.Time{}, fmt.Errorf("trade the identity token: %w", err)
	case status != http.StatusOK || out.Token == "" || out.ExpiresIn <= 0 || out.ExpiresIn > 24*60*60:
		return "", time.Time{}, &Refused{Status: status, Code: out.Error, Description: out.Description}
	}
	return out.Token, trade.Now.Add(time.Duration(out.ExpiresIn) * time.Second), nil
}

// answered sends a request that holds a secret, and reads a small answer in JSON.
// It follows no redirect, and no error repeats what was sent.
func answered(client *http.Client, request *http.Request, out any) (status int, err error) {
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := once.Do(request)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) { // which holds the address, and that may hold a secret
			err = at.Err
		}
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostTokenAnswer+1))
	if err != nil {
		return 0, err
	}
	if len(body) > mostTokenAnswer || json.Unmarshal(body, out) != nil {
		return response.StatusCode, fmt.Errorf("it answered %d with something else than JSON", response.StatusCode)
	}
	return response.StatusCode, nil
}
