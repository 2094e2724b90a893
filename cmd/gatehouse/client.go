package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// exampleClient stands in the examples of commands.
const exampleClient = "btci_0123456789ABCDEFGHIJ"

func (a *app) clientCommand() *cobra.Command {
	return a.group("client", "Make OAuth2 clients, rotate their secrets and set their keys",
		a.clientCreate(), a.clientList(), a.clientRotate(), a.clientKeys(),
		a.clientSwitch("suspend", "Stop a client and its access tokens until it is resumed"),
		a.clientSwitch("resume", "Let a suspended client work again"),
		a.clientSwitch("revoke", "End a client and its access tokens for good"))
}

func (a *app) clientCreate() *cobra.Command {
	var in api.CreateCredential
	var key string
	cmd := &cobra.Command{
		Use: "create", Short: "Make an OAuth2 client and print its secret, once", Args: noArgs,
		Long: "Makes a client that gets access tokens at /oauth2/token. Its client_id is printed on\n" +
			"standard error, its secret alone on standard output.",
		Example: "  gatehouse client create --name Dashboard --scope api:read",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out api.IssuedCredential
			err := a.with(cmd.Context(), func(c *client.Client) error {
				schemes, err := clientSchemes(cmd.Context(), c)
				if err != nil {
					return err
				}
				if !slices.Contains(schemes, in.Scheme) {
					return usagef("--scheme wants a scheme of OAuth2 clients: %s", strings.Join(schemes, ", "))
				}
				if in.Organization, err = a.organization(cmd.Context(), c, in.Organization); err != nil {
					return err
				}
				return c.Do(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/credentials", In: in, Out: &out, IdempotencyKey: key})
			})
			if err != nil {
				return err
			}
			return a.printIssued(&out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "what it is for")
	f.StringVar(&in.Scheme, "scheme", "betatesting_client", "scheme of the client")
	f.StringSliceVar(&in.Scopes, "scope", nil, "scope, several times or separated by commas")
	f.StringSliceVar(&in.AllowedAddresses, "allow", nil, "address or CIDR prefix that may use it, several times")
	f.StringVar(&key, "idempotency-key", "", "makes the call repeatable when its answer is lost")
	organizationFlag(cmd, &in.Organization)
	a.completeSchemes(cmd)
	return required(cmd, "name")
}

// clientSchemes names the schemes whose credentials are OAuth2 clients.
func clientSchemes(ctx context.Context, c *client.Client) (names []string, err error) {
	var list api.List[api.Scheme]
	if err := c.Call(ctx, http.MethodGet, "/v1/schemes", nil, &list); err != nil {
		return nil, err
	}
	for _, s := range list.Items {
		if s.Kind == string(credential.OAuthClient) {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// clients lists the OAuth2 clients that a query chooses, scheme by scheme.
func clients(ctx context.Context, c *client.Client, query url.Values) ([]api.Credential, error) {
	schemes, err := clientSchemes(ctx, c)
	if err != nil {
		return nil, err
	}
	list := []api.Credential{}
	for _, scheme := range schemes {
		query.Set("scheme", scheme)
		query.Del("cursor")
		some, err := pages[api.Credential](ctx, c, "/v1/credentials", query)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

func (a *app) clientList() *cobra.Command {
	var organization, state string
	cmd := &cobra.Command{
		Use: "list", Short: "List OAuth2 clients, the newest of each scheme first", Args: noArgs,
		Example: "  gatehouse client list --state active",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range map[string]string{"organization": organization, "state": state} {
				if value != "" {
					query.Set(name, value)
				}
			}
			var list []api.Credential
			err := a.with(cmd.Context(), func(c *client.Client) (err error) {
				list, err = clients(cmd.Context(), c, query)
				return err
			})
			if err != nil || a.json {
				return a.listed(list, err)
			}
			var rows [][]string
			for _, c := range list {
				rows = append(rows, []string{c.ClientID, c.State, strings.Join(c.Scopes, " "), when(c.LastUsedAt, "Never"), c.ID, c.Name})
			}
			return a.table("CLIENT ID\tSTATE\tSCOPES\tLAST USED\tID\tNAME", rows)
		},
	}
	cmd.Flags().StringVar(&organization, "organization", "", "of an organization, by id or number")
	cmd.Flags().StringVar(&state, "state", "", "active, suspended, expired or revoked")
	completeWords(cmd, "state", "active", "suspended", "expired", "revoked")
	return cmd
}

// ofClient makes a call on a client that is named by its public id, or by the
// id of its credential. Whatever else was given may be its secret: that is
// neither repeated nor sent.
func (a *app) ofClient(ctx context.Context, name string, call client.Request) error {
	return a.with(ctx, func(c *client.Client) error {
		list, err := clients(ctx, c, url.Values{})
		if err != nil {
			return err
		}
		for _, known := range list {
			if known.ClientID == name || known.ID == name {
				call.Path = credentialPath(known.ID, call.Path)
				return c.Do(ctx, call)
			}
		}
		if _, err := authority.ParseID(name); err == nil {
			return errors.New("no OAuth2 client has this id; see gatehouse client list")
		}
		return errors.New("no OAuth2 client has this client_id; see gatehouse client list")
	})
}

// showClient makes a call on a client and prints what it is then.
func (a *app) showClient(cmd *cobra.Command, name string, call client.Request) error {
	var c api.Credential
	call.Out = &c
	if err := a.ofClient(cmd.Context(), name, call); err != nil {
		return err
	}
	return a.printCredential(&c)
}

func (a *app) clientRotate() *cobra.Command {
	var in api.RotateCredential
	var grace, key string
	cmd := &cobra.Command{
		Use: "rotate CLIENT_ID", Short: "Give a client a new secret and print it, once", Args: oneArg,
		Long: "The client keeps its client_id. The secret before it, and the access tokens that it got,\n" +
			"work for the grace; without one they end at once.",
		Example: "  gatehouse client rotate " + exampleClient + " --grace 7d",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Grace = &grace
			var out api.IssuedCredential
			r := client.Request{Method: http.MethodPost, Path: "/rotate", In: in, Out: &out, IdempotencyKey: key}
			if err := a.ofClient(cmd.Context(), args[0], r); err != nil {
				return err
			}
			return a.printIssued(&out)
		},
	}
	cmd.Flags().StringVar(&grace, "grace", "24h", "how long the predecessor still works: 0 to 30d")
	cmd.Flags().StringVar(&in.EndPredecessor, "end-predecessor", "after_grace", "after_grace, or at_first_use of the new secret if that is before")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "makes the call repeatable when its answer is lost")
	return cmd
}

func (a *app) clientKeys() *cobra.Command {
	var file string
	var remove bool
	cmd := &cobra.Command{
		Use: "keys CLIENT_ID", Short: "Set the public keys that a client signs assertions for", Args: oneArg,
		Long: "A client with keys authenticates by private_key_jwt. The file is a JWK Set of up to 8 public\n" +
			"keys, each with kid and alg, and replaces the keys before. Tokens that those got work on;\n" +
			"after a leak, rotate the client with --grace 0 as well.",
		Example: "  gatehouse client keys " + exampleClient + " --jwks-file keys.json\n  gatehouse client keys " + exampleClient + " --remove",
		RunE: func(cmd *cobra.Command, args []string) error {
			if remove == (file != "") {
				return usagef("%s needs --jwks-file or --remove, and not both", cmd.CommandPath())
			}
			r := client.Request{Method: http.MethodDelete, Path: "/jwks"}
			if !remove {
				jwks, err := readKeySet(file)
				if err != nil {
					return err
				}
				r.Method, r.In = http.MethodPut, jwks
			}
			return a.showClient(cmd, args[0], r)
		},
	}
	cmd.Flags().StringVar(&file, "jwks-file", "", "file that holds a JWK Set of public keys")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the keys away")
	return cmd
}

// readKeySet reads a file that holds a JSON document.
func readKeySet(path string) (json.RawMessage, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if info.Size() > authority.MaxClientKeys {
		return nil, fmt.Errorf("read the keys: %s has more than %d bytes", path, authority.MaxClientKeys)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("read the keys: %s is no JSON document", path)
	}
	return text, nil
}

func (a *app) clientSwitch(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " CLIENT_ID", Short: short, Args: oneArg,
		Example: "  gatehouse client " + verb + " " + exampleClient,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showClient(cmd, args[0], client.Request{Method: http.MethodPost, Path: "/" + verb})
		},
	}
}

func (a *app) signingKeysCommand() *cobra.Command {
	return a.group("signing-keys", "List and rotate the keys that sign access tokens", a.signingKeyList(), a.signingKeyRotate())
}

func (a *app) signingKeyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys that verify access tokens, the newest first", Args: noArgs,
		Example: "  gatehouse signing-keys list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.showSigningKeys(cmd.Context(), client.Request{Method: http.MethodGet, Path: "/v1/signing-keys"})
		},
	}
}

func (a *app) signingKeyRotate() *cobra.Command {
	var in api.RotateSigningKeys
	cmd := &cobra.Command{
		Use: "rotate", Short: "Make a new key that signs access tokens", Args: noArgs,
		Long: "The new key is published at once and signs ten minutes later, when everybody can know\n" +
			"it. The key before verifies until what it signed has expired. With --now it signs at\n" +
			"once, and a key that still waits to sign is removed.",
		Example: "  gatehouse signing-keys rotate\n  gatehouse signing-keys rotate --now",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.showSigningKeys(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/signing-keys/rotate", In: in})
		},
	}
	cmd.Flags().BoolVar(&in.Now, "now", false, "sign with the new key at once; others may refuse its tokens for 5 minutes")
	return cmd
}

func (a *app) showSigningKeys(ctx context.Context, call client.Request) error {
	var list api.List[api.SigningKey]
	call.Out = &list
	if err := a.call(ctx, call); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(list)
	}
	var rows [][]string
	for _, k := range list.Items {
		rows = append(rows, []string{k.ID, k.Algorithm, k.State, when(&k.SignsFrom, ""), when(k.VerifiesUntil, "-")})
	}
	return a.table("ID\tALGORITHM\tSTATE\tSIGNS FROM\tVERIFIES UNTIL", rows)
}
