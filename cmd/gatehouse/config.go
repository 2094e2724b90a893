package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit/shared"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// Config is everything that can be set. A flag wins over the environment, the
// environment over the file, the file over the default.
type Config struct {
	Listen          string         // address to serve on
	Data            string         // directory of the SQLite database, the root key and the socket
	DatabaseURL     string         // PostgreSQL; empty means SQLite in Data
	PublicURL       string         // where clients reach this server
	TrustedProxies  []netip.Prefix // whose X-Forwarded-For is believed
	RootKey         string         // the root key itself
	RootKeyFile     string         // or the file it is in; default root.key in Data
	AcceptedModes   []string       // of live and test
	PasswordMinimum int            // least bytes of a password
	SignInRate      int            // calls a minute by which an address may sign in
	CacheSize       int            // credentials kept in memory (SQLite)
	LogLevel        string         // debug, info, warn or error
	LogFormat       string         // text or json
	Schemes         *credential.Schemes
	Prices          map[string]int64 // of what requests are called, in coins
	// SigningAlgorithm is what new signing keys are for: ES256 or RS256.
	SigningAlgorithm string
	SMTPURL          string   // the mail server; empty for none
	MailFrom         string   // whom mail is from
	Registration     string   // open, or closed: only the operator makes accounts and organizations
	VerifyEmail      string   // whether signing in takes a verified address: yes, no or auto
	PasswordResetURL string   // page where people choose a new password
	BetaHubLists     string   // by-request, array or object
	ReportsPerDay    int      // of a kind, by an address with a project token; 0 is no limit
	ArtifactsDir     string   // of uploaded files; default artifacts in Data
	ArtifactSize     int      // MiB that an uploaded file may have
	WebhookLoopback  string   // whether webhooks may go to this machine: yes or no
	PrivateIssuers   []string // hosts of issuers that may stand at private addresses
	RedisURL         string   // what several nodes count requests by; empty: each for itself
	RedisTimeout     int      // milliseconds that a call waits for it
	RedisAway        string   // share or refuse: what holds while it is away
	MetricsListen    string   // address of the metrics; empty for none
	UsageDays        int      // how long usage by day is kept; 0 is for good
	LedgerDays       int      // how long it is kept what was paid
	RequestsDays     int      // how long single requests are kept; 0 keeps none
	// BetaTestingWebhooks is how many an organization makes by that API.
	BetaTestingWebhooks int
	// BetaTestingExpiry says who sets when its API clients expire.
	BetaTestingExpiry string

	origins map[string]string
}

// option is one setting: how it is called in each place, and how it is read.
type option struct {
	name   string // of the flag; the file and the environment derive theirs
	usage  string
	value  string // the default
	secret bool   // never a flag, never printed; NAME_FILE is read as well
	set    func(*Config, string) error
}

func (o *option) env() string {
	return "GATEHOUSE_" + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// inFile reports whether the value may also stand in a file that NAME_FILE names.
func (o *option) inFile() bool {
	return (o.secret || o.name == "database-url" || o.name == "redis-url") && o.name != "root-key"
}

func (o *option) key() string { return strings.ReplaceAll(o.name, "-", "_") }

// options is the table of all settings.
func options() []option {
	text := func(field func(*Config) *string) func(*Config, string) error {
		return func(c *Config, v string) error { *field(c) = v; return nil }
	}
	return []option{
		{"listen", "address to serve on; port 0 picks a free one", "127.0.0.1:8080", false, setListen},
		{"data", "directory of the database, the root key and the operator's socket", "", false, text(func(c *Config) *string { return &c.Data })},
		{"database-url", "postgres://… instead of SQLite in the data directory", "", false, setDatabaseURL},
		{"redis-url", "redis://… or rediss://… by which several nodes keep to the same limits on requests; one alone needs none", "", false, setRedisURL},
		{"redis-timeout", "how long a call waits for Redis, in milliseconds, before limits are kept without it", "100", false, integer(func(c *Config) *int { return &c.RedisTimeout }, 10, 10_000)},
		{"redis-away", "what holds while Redis is away: share, each node keeps to its part of a limit, or refuse, limited requests get 503", "share", false, oneOf(func(c *Config) *string { return &c.RedisAway }, "share", "refuse")},
		{"metrics-listen", "address of this machine to serve /metrics on, such as 127.0.0.1:9464; without it there are none", "", false, setMetricsListen},
		{"public-url", "where clients reach this server, such as https://keys.example.com", "", false, setPublicURL},
		{"trusted-proxies", "addresses or CIDR prefixes whose X-Forwarded-For is believed", "", false, setTrustedProxies},
		{"root-key", "the root key: 32 random bytes in hexadecimal or base64", "", true, setRootKey},
		{"root-key-file", "file that holds the root key (default root.key in the data directory)", "", false, text(func(c *Config) *string { return &c.RootKeyFile })},
		{"accepted-modes", "modes of credentials that are accepted here", "live,test", false, setModes},
		{"password-minimum", "least length of a password in bytes", "8", false, integer(func(c *Config) *int { return &c.PasswordMinimum }, 8, 256)},
		{"sign-in-rate", "calls a minute that an address may make to sign in and to manage how; 0 for no limit", "20", false, integer(func(c *Config) *int { return &c.SignInRate }, 0, 1<<20)},
		{"cache-size", "credentials kept in memory, about 1 kB each; SQLite only", "1048576", false, integer(func(c *Config) *int { return &c.CacheSize }, 0, 1<<26)},
		{"signing-algorithm", "algorithm of new keys that sign access tokens: ES256 or RS256", "ES256", false, oneOf(func(c *Config) *string { return &c.SigningAlgorithm }, "ES256", "RS256")},
		{"smtp-url", "mail server, smtp://user:password@host:587 or smtps://…; without one no mail is sent", "", true, setSMTPURL},
		{"mail-from", "whom mail is from, such as Gatehouse <gatehouse@example.com>", "", false, setMailFrom},
		{"registration", "open, or closed: then only the operator makes accounts and organizations", "open", false, oneOf(func(c *Config) *string { return &c.Registration }, "open", "closed")},
		{"verify-email", "whether signing in takes a verified address: yes, no, or auto: where mail is sent", "auto", false, setVerifyEmail},
		{"password-reset-url", "page of yours where people choose a new password, in place of the console's; mail leads there with the code as #token=…", "", false, setPasswordResetURL},
		{"webhook-loopback", "whether webhooks may go to this very machine too, by HTTP and to any port, to try them out: yes or no", "no", false, oneOf(func(c *Config) *string { return &c.WebhookLoopback }, "yes", "no")},
		{"private-issuers", "hosts of issuers of identity tokens, and of providers that people sign in by, that may stand at private addresses, such as gitlab.example.internal", "", false, setPrivateIssuers},
		{"betatesting-webhooks", "how many webhooks an organization makes by BetaTesting's API", "3", false, integer(func(c *Config) *int { return &c.BetaTestingWebhooks }, 1, 100)},
		{"betatesting-expiry", "who sets when BetaTesting's API clients expire: operator, or manager, then owners and admins of the organization do as well", "operator", false, oneOf(func(c *Config) *string { return &c.BetaTestingExpiry }, string(credential.ExpiryOperator), string(credential.ExpiryManager))},
		{"betahub-lists", "what BetaHub's list of issues is: an array, an object with pagination, or by-request: an object where page or per_page is asked for", "by-request", false, oneOf(func(c *Config) *string { return &c.BetaHubLists }, "by-request", "array", "object")},
		{"reports-per-day", "how many reports of a kind an address sends with a project token on a day (UTC); 0 is as many as it likes", "8", false, integer(func(c *Config) *int { return &c.ReportsPerDay }, 0, 1_000_000)},
		{"artifacts-dir", "directory of uploaded files, which several nodes share (default artifacts in the data directory)", "", false, text(func(c *Config) *string { return &c.ArtifactsDir })},
		{"artifact-size", "how large an uploaded file may be, in MiB", "100", false, integer(func(c *Config) *int { return &c.ArtifactSize }, 1, 10_240)},
		{"usage-days", "how many days it is kept how often credentials were used on a day; 0 is for good", "400", false, integer(func(c *Config) *int { return &c.UsageDays }, 0, 36_500)},
		{"ledger-days", "how many days each payment from a budget is kept", "400", false, integer(func(c *Config) *int { return &c.LedgerDays }, 100, 36_500)},
		{"requests-days", "how many days single requests of credentials are kept, with path and address; 0 keeps none", "90", false, integer(func(c *Config) *int { return &c.RequestsDays }, 0, 36_500)},
		{"log-level", "debug, info, warn or error", "info", false, oneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
		{"log-format", "text or json", "text", false, oneOf(func(c *Config) *string { return &c.LogFormat }, "text", "json")},
	}
}

func integer(field func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}
}

func oneOf(field func(*Config) *string, values ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		*field(c) = v
		return nil
	}
}

func setListen(c *Config, v string) error {
	_, port, err := net.SplitHostPort(v)
	if n, parse := strconv.Atoi(port); err != nil || parse != nil || n < 0 || n > 65535 {
		return errors.New("must be an address and a port from 0 to 65535, such as 127.0.0.1:8080")
	}
	c.Listen = v
	return nil
}

// setDatabaseURL never repeats the value: a password may stand in it.
func setDatabaseURL(c *Config, v string) error {
	if v != "" && !strings.HasPrefix(v, "postgres://") && !strings.HasPrefix(v, "postgresql://") {
		return errors.New("must begin with postgres:// or postgresql://; without it the database is SQLite")
	}
	if _, err := url.Parse(v); err != nil {
		return errors.New("can't be read as a URL; it looks like postgres://user:password@host:5432/gatehouse, with other signs as %2F")
	}
	c.DatabaseURL = v
	return nil
}

// setRedisURL never repeats the value: a password may stand in it.
func setRedisURL(c *Config, v string) error {
	c.RedisURL = v
	if v == "" {
		return nil
	}
	return shared.CheckURL(v)
}

// setMetricsListen takes an address of this machine alone: who reads how much
// is going on presents no credential.
func setMetricsListen(c *Config, v string) error {
	c.MetricsListen = v
	if v == "" {
		return nil
	}
	addr, err := netip.ParseAddrPort(v)
	if err != nil || !addr.Addr().IsLoopback() {
		return errors.New("must be a loopback address and a port, such as 127.0.0.1:9464")
	}
	return nil
}

func setRootKey(c *Config, v string) error {
	if v != "" {
		if _, err := seal.Parse(v); err != nil {
			return err
		}
	}
	c.RootKey = v
	return nil
}

func setPublicURL(c *Config, v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("must be a scheme and a host, such as https://keys.example.com")
	}
	c.PublicURL = u.Scheme + "://" + u.Host
	return nil
}

// setSMTPURL has the Mailer judge, which never repeats the value.
func setSMTPURL(c *Config, v string) error {
	c.SMTPURL = v
	if v == "" {
		return nil
	}
	_, err := outbound.NewMailer(v, "gatehouse@localhost")
	return err
}

// setMailFrom comes after setSMTPURL, without which nothing needs it.
func setMailFrom(c *Config, v string) error {
	c.MailFrom = v
	switch {
	case v == "" && c.SMTPURL == "":
		return nil
	case v == "":
		return errors.New("is needed with smtp-url, such as Gatehouse <gatehouse@example.com>")
	}
	_, err := outbound.NewMailer("smtp://localhost", v)
	return err
}

// setVerifyEmail comes after setSMTPURL, without which nobody could verify.
func setVerifyEmail(c *Config, v string) error {
	if v == "yes" && c.SMTPURL == "" {
		return errors.New("yes needs smtp-url: without mail nobody can verify an address")
	}
	return oneOf(func(c *Config) *string { return &c.VerifyEmail }, "yes", "no", "auto")(c, v)
}

func setPasswordResetURL(c *Config, v string) error {
	u, err := url.Parse(v)
	if v != "" && (err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Fragment != "" || u.User != nil) {
		return errors.New("must be an https:// URL without a fragment, such as https://app.example.com/reset-password")
	}
	c.PasswordResetURL = v
	return nil
}

func setTrustedProxies(c *Config, v string) error {
	list, err := credential.ParseAddresses("trusted-proxies", fields(v))
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Bits() == 0 {
			return fmt.Errorf("%s would believe everybody", p)
		}
	}
	c.TrustedProxies = list
	return nil
}

// setPrivateIssuers takes hosts as they stand in a URL, in small letters and
// without a port.
func setPrivateIssuers(c *Config, v string) error {
	c.PrivateIssuers = fields(v)
	for _, host := range c.PrivateIssuers {
		if u, err := url.Parse("https://" + host); err != nil || u.Hostname() != host || strings.ToLower(host) != host {
			return fmt.Errorf("%q must be a host in small letters and without a port, such as gitlab.example.internal", host)
		}
	}
	return nil
}

func setModes(c *Config, v string) error {
	c.AcceptedModes = fields(v)
	for _, mode := range c.AcceptedModes {
		if mode != "live" && mode != "test" {
			return fmt.Errorf("%q is not live or test", mode)
		}
	}
	return nil
}

func fields(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

// configFlags declares a flag for every setting that isn't secret.
func (a *app) configFlags(set *pflag.FlagSet) {
	a.flags = map[string]string{}
	set.Func("config", "TOML file with settings and declared schemes", a.flag("config"))
	for _, o := range options() {
		if !o.secret {
			set.Func(o.name, o.usage, a.flag(o.name))
		}
	}
	for _, name := range []string{"redis-url", "redis-timeout", "redis-away", "metrics-listen", "public-url", "trusted-proxies", "root-key-file", "accepted-modes", "password-minimum", "sign-in-rate", "cache-size", "signing-algorithm", "mail-from", "registration", "verify-email", "password-reset-url", "webhook-loopback", "private-issuers", "betatesting-webhooks", "betatesting-expiry", "betahub-lists", "reports-per-day", "artifacts-dir", "artifact-size", "usage-days", "ledger-days", "requests-days", "log-level", "log-format"} {
		_ = set.MarkHidden(name) // serve shows them
	}
}

func (a *app) flag(name string) func(string) error {
	return func(v string) error { a.flags[name] = v; return nil }
}

// load reads the configuration from all its places.
func (a *app) load() (*Config, error) {
	c := &Config{origins: map[string]string{}}
	file, err := a.readFile()
	if err != nil {
		return nil, err
	}
	for _, o := range options() {
		value, origin, err := a.find(&o, file)
		if err != nil {
			return nil, err
		}
		if err := o.set(c, value); err != nil {
			origin = strings.Replace(origin, "config file "+file.path, "config file "+file.place(o.key()), 1)
			return nil, &usageError{fmt.Errorf("%s (%s): %w", o.name, origin, err)}
		}
		c.origins[o.name] = origin
	}
	if c.Data == "" {
		c.Data = a.defaultData()
	}
	c.Prices = file.prices
	if c.Schemes, err = credential.NewSchemes(file.schemes...); err != nil {
		return nil, &usageError{fmt.Errorf("%s: %w", file.path, err)}
	}
	if c.BetaTestingExpiry == string(credential.ExpiryManager) {
		for _, name := range []string{"betatesting_client", "betatesting_static"} {
			c.Schemes.ByName(name).Expiry = credential.ExpiryManager
		}
	}
	return c, nil
}

// find looks a setting up in its places, in the order of precedence.
func (a *app) find(o *option, file *configFile) (value, origin string, err error) {
	if v, ok := a.flags[o.name]; ok {
		return v, "flag --" + o.name, nil
	}
	if v := a.getenv(o.env()); v != "" {
		return v, "environment " + o.env(), nil
	}
	if path := a.getenv(o.env() + "_FILE"); path != "" && o.inFile() {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", "", usagef("%s (environment %s_FILE): %w", o.name, o.env(), err)
		}
		return strings.TrimSpace(string(text)), "file " + path, nil
	}
	if v, ok := file.settings[o.key()]; ok && !o.secret {
		return v, "config file " + file.path, nil
	}
	return o.value, "default", nil
}

func (a *app) defaultData() string {
	if dir := a.getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "gatehouse")
	}
	if home := a.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "gatehouse")
	}
	return "gatehouse-data"
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// configCommand prints the effective settings.
func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Print the effective settings, and where each comes from", Args: noArgs,
		Example: "  gatehouse config --config gatehouse.toml",
		RunE: func(*cobra.Command, []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(c.effective())
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			for _, e := range c.effective() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", e.Name, e.Value, e.Origin)
			}
			return w.Flush()
		},
	}
}

// setting is one effective setting, as printed.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// effective lists the settings with their values; secrets are left out.
func (c *Config) effective() []setting {
	values := map[string]string{
		"listen": c.Listen, "data": c.Data, "database-url": redactURL(c.DatabaseURL), "public-url": c.PublicURL,
		"trusted-proxies": strings.Trim(fmt.Sprint(c.TrustedProxies), "[]"), "root-key-file": c.RootKeyFile,
		"accepted-modes":   strings.Join(c.AcceptedModes, ","),
		"password-minimum": strconv.Itoa(c.PasswordMinimum), "sign-in-rate": strconv.Itoa(c.SignInRate), "cache-size": strconv.Itoa(c.CacheSize),
		"signing-algorithm": c.SigningAlgorithm, "mail-from": c.MailFrom, "registration": c.Registration,
		"verify-email": c.VerifyEmail, "password-reset-url": c.PasswordResetURL, "webhook-loopback": c.WebhookLoopback, "private-issuers": strings.Join(c.PrivateIssuers, ","),
		"betatesting-webhooks": strconv.Itoa(c.BetaTestingWebhooks), "betatesting-expiry": c.BetaTestingExpiry,
		"betahub-lists": c.BetaHubLists, "reports-per-day": strconv.Itoa(c.ReportsPerDay),
		"redis-url": redactURL(c.RedisURL), "redis-timeout": strconv.Itoa(c.RedisTimeout), "redis-away": c.RedisAway, "metrics-listen": c.MetricsListen,
		"artifacts-dir": c.ArtifactsDir, "artifact-size": strconv.Itoa(c.ArtifactSize),
		"usage-days": strconv.Itoa(c.UsageDays), "ledger-days": strconv.Itoa(c.LedgerDays), "requests-days": strconv.Itoa(c.RequestsDays), "log-level": c.LogLevel, "log-format": c.LogFormat,
	}
	for name, secret := range map[string]string{"root-key": c.RootKey, "smtp-url": c.SMTPURL} {
		values[name] = strings.Repeat("[redacted]", min(len(secret), 1))
	}
	var list []setting
	for _, o := range options() {
		list = append(list, setting{o.name, values[o.name], c.origins[o.name]})
	}
	for _, s := range c.Schemes.All() {
		list = append(list, setting{"scheme", s.Name, s.Text.Prefix + "…"})
	}
	return list
}

// redactURL hides the password in the URL of a database or of Redis, however it
// is written.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if text == "" || err != nil || !slices.Contains([]string{"postgres", "postgresql", "redis", "rediss"}, u.Scheme) {
		return strings.Repeat("[redacted]", min(len(text), 1))
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "xxxxx")
		}
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}
