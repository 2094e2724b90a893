package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console"
	"github.com/gatehouse-dev/gatehouse/internal/deliver"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betatesting"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/bunship"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/onetest"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/testkase"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/oauth"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
	"github.com/gatehouse-dev/gatehouse/internal/outbound"
	"github.com/gatehouse-dev/gatehouse/internal/rest"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// userAgent is how the server introduces itself to the endpoints of webhooks: as
// those know it that were written for BunShip.
const userAgent = "BunShip-Webhooks/1.0 (Gatehouse)"

// How long a shutdown waits for answers under way.
const drainTime = 20 * time.Second

// node is everything that runs in one process, wired together.
type node struct {
	store     *store.Store
	authority *authority.Authority
	public    http.Handler // for clients
	operator  http.Handler // for the operator's socket and command line
	metrics   http.Handler // for an address of this machine
	log       *slog.Logger
	// loops run beside the handlers, until the node is told to stop.
	loops []func(context.Context) error
}

// open wires a node. This is the only place where parts are joined.
func (a *app) open(ctx context.Context, cfg *Config, log *slog.Logger) (*node, error) {
	st, err := store.Open(ctx, a.storeConfig(cfg, log))
	if err != nil {
		return nil, openError(cfg, err)
	}
	post, err := deliverer(cfg, st, log)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	counts := newMetrics()
	limits, err := newLimiters(cfg, st, counts, log)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	counts.limits(limits)
	targets := webhook.Targets{Loopback: cfg.WebhookLoopback == "yes"}
	hooks := deliver.NewWebhooks(deliver.WebhooksConfig{Store: st, Send: outbound.NewPoster(targets, userAgent).Send, Logger: log})
	auth := authority.New(authority.Config{
		Issuers:  issuerRules(webhook.Targets{Private: cfg.PrivateIssuers}),
		Webhooks: authority.WebhookRules{Targets: targets, MostBetaTesting: cfg.BetaTestingWebhooks, SendNow: hooks.SendNow},
		Store:    st, Schemes: cfg.Schemes, Prices: cfg.Prices, Modes: cfg.AcceptedModes, PasswordMinimum: cfg.PasswordMinimum, Logger: log,
		Issuer: or(cfg.PublicURL, "http://"+cfg.Listen), Algorithm: jwt.Algorithm(cfg.SigningAlgorithm), Accounts: accountRules(cfg, post),
		Limits: limits.requests, Decided: counts.decided,
		Keep: authority.Retention{UsageDays: cfg.UsageDays, RequestDays: cfg.RequestsDays, LedgerDays: cfg.LedgerDays},
	})
	work := workspace.Config{Store: st, Modes: cfg.AcceptedModes, PerDay: cfg.ReportsPerDay, Issuer: auth.Issuer(), Logger: log,
		Files: artifact.New(artifact.Config{Directory: or(cfg.ArtifactsDir, filepath.Join(cfg.Data, "artifacts")), Most: int64(cfg.ArtifactSize) << 20})}
	if post != nil {
		work.Posted = post.Wake
	}
	projects := workspace.New(work)
	front := edge.Config{Authority: auth, Surfaces: surfaces(cfg, st, auth, projects), TrustedProxies: cfg.TrustedProxies, AddressRate: cfg.SignInRate,
		Addresses: limits.addresses, Answered: counts.answered, Logger: log}
	back := front
	back.Operator = true
	n := &node{st, auth, edge.New(front), edge.New(back), counts.handler(), log, append(limits.run(), auth.Run, projects.Run, hooks.Run)}
	if post != nil {
		n.loops = append(n.loops, post.Run)
	}
	return n, nil
}

// issuerRules say how issuers and providers are asked, and which may be.
func issuerRules(targets webhook.Targets) authority.IssuerRules {
	fetcher := outbound.NewFetcher(targets, "Gatehouse")
	return authority.IssuerRules{Targets: targets, Fetch: fetcher.Fetch, Ask: func(ctx context.Context, q authority.Question, most int) (int, []byte, error) {
		return fetcher.Ask(ctx, outbound.Question(q), most)
	}}
}

// surfaces are all routes of a node, and the pages that tell of them.
func surfaces(cfg *Config, st *store.Store, auth *authority.Authority, projects *workspace.Workspace) []*edge.Surface {
	native, oauth2 := rest.Surface(auth, projects, st.Root()), oauth.Surface(auth)
	ships, kases := bunship.Surfaces(auth), testkase.Surfaces(auth, projects)
	betas := []*edge.Surface{oauth2, betatesting.Surface(auth, projects)}
	hubs := betahub.Surfaces(betahub.Config{Authority: auth, Workspace: projects, Lists: betahub.Lists(cfg.BetaHubLists)})
	tests := onetest.Surfaces(auth, projects)
	site := openapi.Site{Address: auth.Issuer(), Assets: console.AssetsPath()}
	dialects := []openapi.Dialect{bunShipPage(ships), betaTestingPage(betas), testKasePage(kases), betaHubPage(hubs), oneTestPage(tests)}
	return slices.Concat([]*edge.Surface{native, openapi.Surface(site, dialects, native, oauth2), openapi.Dialects(site, dialects...)},
		console.Surfaces(console.Config{Authority: auth, Workspace: projects, URL: auth.Issuer()}), kases, ships, betas, hubs, tests)
}

// accountRules say how people come to have an account.
func accountRules(cfg *Config, post *deliver.Deliverer) authority.AccountRules {
	rules := authority.AccountRules{
		Closed: cfg.Registration == "closed", VerifyEmail: cfg.VerifyEmail == "yes", ResetURL: cfg.PasswordResetURL,
	}
	if post != nil {
		rules.Mail, rules.Posted = true, post.Wake
		rules.VerifyEmail = cfg.VerifyEmail != "no"
	}
	return rules
}

// deliverer sends the mail of a store, where there is a mail server; else it is nil.
func deliverer(cfg *Config, st *store.Store, log *slog.Logger) (*deliver.Deliverer, error) {
	if cfg.SMTPURL == "" {
		return nil, nil
	}
	mailer, err := outbound.NewMailer(cfg.SMTPURL, cfg.MailFrom)
	if err != nil {
		return nil, err
	}
	return deliver.New(deliver.Config{Store: st, Send: mailer.Send, Logger: log}), nil
}

// openError makes one sentence of what PostgreSQL's driver says in many lines:
// the first reason is enough, and what to do follows.
func openError(cfg *Config, err error) error {
	var refused *pgconn.ConnectError
	if cfg.DatabaseURL == "" || !errors.As(err, &refused) {
		return err
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 2 {
		lines = lines[:2]
	}
	return fmt.Errorf("%s; see that PostgreSQL runs there, and that database-url is right", strings.Join(strings.Fields(strings.Join(lines, " ")), " "))
}

func (a *app) storeConfig(cfg *Config, log *slog.Logger) store.Config {
	return store.Config{
		Directory: cfg.Data, DatabaseURL: cfg.DatabaseURL, Schemes: cfg.Schemes, CacheSize: cfg.CacheSize, Logger: log,
		RootKey: func(identity string) (*seal.Root, error) { return rootKey(cfg, identity) },
	}
}

// makeData makes the data directory where there is none.
func makeData(cfg *Config) error {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

// logger writes the log to standard error.
func (a *app) logger(cfg *Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // was checked
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.stderr, options))
}

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the server", Args: noArgs, Long: serveHelp(),
		Example: "  gatehouse serve\n  gatehouse serve --listen 127.0.0.1:9000 --data /var/lib/gatehouse\n  gatehouse serve --database-url postgres://gatehouse@db/gatehouse",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), cfg, a.announce)
		},
	}
}

// serveHelp explains every setting, from the one table.
func serveHelp() string {
	var b strings.Builder
	b.WriteString("Runs the server until it gets SIGTERM or an interrupt.\n\n" +
		"Each setting below is a flag (--name), an environment variable (GATEHOUSE_NAME) or a key of\n" +
		"the TOML file that --config names, in this order of precedence; dashes are underscores in the\n" +
		"last two. See what is in force with: gatehouse config\n\n")
	for _, o := range options() {
		name := o.name
		switch {
		case o.secret && o.inFile():
			name += " (" + o.env() + ", or a file that " + o.env() + "_FILE names)"
		case o.secret:
			name += " (" + o.env() + " only)"
		}
		fmt.Fprintf(&b, "  %s\n        %s", name, o.usage)
		if o.value != "" {
			fmt.Fprintf(&b, " (default %s)", o.value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// serve runs a node until it is told to stop. ready is called once the port
// accepts, before any request is answered by hand.
func (a *app) serve(ctx context.Context, cfg *Config, ready func(context.Context, *Config, *node) error) (err error) {
	if err := makeData(cfg); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another with --listen", cfg.Listen, err)
	}
	defer listener.Close() // when it was served, this does nothing
	if cfg.PublicURL == "" {
		cfg.PublicURL = "http://" + listener.Addr().String()
	}
	n, err := a.open(ctx, cfg, a.logger(cfg))
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; another gatehouse serves it: stop that one, or choose another --data", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.store.Close()) }()
	if _, err := n.authority.JWKS(ctx); err != nil { // the first start makes the first signing key
		return err
	}
	front := server(n.public, n.log)
	servers := []*http.Server{front}
	failed := make(chan error, 3)
	go func() { failed <- front.Serve(listener) }()
	if cfg.MetricsListen != "" {
		aside, err := net.Listen("tcp", cfg.MetricsListen)
		if err != nil {
			return fmt.Errorf("listen on %s: %w; choose another metrics-listen", cfg.MetricsListen, err)
		}
		metrics := server(n.metrics, n.log)
		servers = append(servers, metrics)
		n.log.Info("metrics", "url", "http://"+aside.Addr().String()+"/metrics")
		go func() { failed <- metrics.Serve(aside) }()
	}
	if cfg.DatabaseURL == "" {
		socket, closeSocket, err := listenSocket(cfg.Data)
		if err != nil {
			return err
		}
		defer closeSocket()
		operator := server(n.operator, n.log)
		operator.WriteTimeout = 0 // checking an audit chain takes as long as it takes
		servers = append(servers, operator)
		go func() { failed <- operator.Serve(socket) }()
	}
	finish := n.background(context.WithoutCancel(ctx))
	err = ready(ctx, cfg, n)
	if err == nil {
		err = a.wait(ctx, stop, failed)
	}
	return errors.Join(err, drain(servers), finish())
}

// background starts the loops of a node, and returns what ends them.
func (n *node) background(ctx context.Context) (finish func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, len(n.loops))
	for _, loop := range n.loops {
		go func() { ended <- loop(ctx) }()
	}
	return func() (err error) {
		cancel()
		for range n.loops {
			err = errors.Join(err, <-ended)
		}
		return err
	}
}

// wait returns when the process is told to stop, or can't serve any more.
func (a *app) wait(ctx context.Context, stop func(), failed <-chan error) error {
	select {
	case <-ctx.Done():
		stop() // a second signal ends the process at once
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// drain stops accepting and waits for the answers under way.
func drain(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var errs []error
	for _, s := range servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// server bounds what a client can hold on to.
func server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// announcement is what serve prints.
type announcement struct {
	URL       string `json:"url"`
	Data      string `json:"data,omitempty"`
	Database  string `json:"database"`
	SetupCode string `json:"setup_code,omitempty"`
}

// announce says where the server listens and where its data is, and prints
// the set-up code of an installation that has no owner yet.
func (a *app) announce(ctx context.Context, cfg *Config, n *node) error {
	code, err := n.authority.SetupCode(ctx)
	if err != nil {
		return err
	}
	say := announcement{URL: cfg.PublicURL, Data: cfg.Data, Database: "sqlite", SetupCode: code.Reveal()}
	if cfg.DatabaseURL != "" {
		say.Data, say.Database = "", redactURL(cfg.DatabaseURL)
	}
	if a.json {
		return a.printJSON(say)
	}
	fmt.Fprintf(a.stdout, "data: %s\n", or(say.Data, say.Database))
	if say.SetupCode != "" {
		fmt.Fprintf(a.stdout, "set-up code, good once: %s\n\nMake the first organization and its owner with it at %s/console/setup, or by\n\n"+
			"  curl %s/v1/setup -H 'Content-Type: application/json' \\\n    -d '{\"code\":%s,\"organization\":\"Acme\",\"name\":\"Ada\",\"email\":\"ada@example.com\",\"password\":\"…\"}'\n\n",
			say.SetupCode, say.URL, say.URL, strconv.Quote(say.SetupCode))
	}
	_, err = fmt.Fprintf(a.stdout, "listening on %s\n", say.URL)
	return err
}

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database schema up to date and stop", Args: noArgs,
		Example: "  gatehouse migrate --database-url postgres://gatehouse@db/gatehouse",
		Long:    "The server does this by itself when it starts. Run it apart where the server's own\ndatabase user may not change the schema.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if err := makeData(cfg); err != nil {
				return err
			}
			from, to, err := store.Migrate(cmd.Context(), a.storeConfig(cfg, a.logger(cfg)))
			if errors.Is(err, store.ErrInUse) {
				return fmt.Errorf("%w; stop the server that has it open: it migrates by itself when it starts", err)
			}
			if err != nil {
				return openError(cfg, err)
			}
			if a.json {
				return a.printJSON(map[string]int64{"from": from, "to": to})
			}
			fmt.Fprintf(a.stdout, "schema version %d (was %d)\n", to, from)
			return nil
		},
	}
}
