package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) rootKeyCommand() *cobra.Command {
	return a.group("root-key", "Put a new root key in the place of an old one", a.rootKeyList(), a.rootKeyRotate(), a.rootKeyRetire())
}

func (a *app) rootKeyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the root keys that the database knows, and what still needs each", Args: noArgs,
		Example: "  gatehouse root-key list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.showRootKeys(cmd.Context(), client.Request{Method: http.MethodGet, Path: "/v1/root-keys"})
		},
	}
}

func (a *app) rootKeyRotate() *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Make a new root key and put it before the old one in its file", Args: noArgs,
		Long: "From the next start on, what is new is made with the new key. The old one stays behind\n" +
			"it and is understood until it is retired. With several nodes, see the operator's guide.",
		Example: "  gatehouse root-key rotate",
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			path, err := addRootKey(cfg)
			if err != nil {
				return err
			}
			return a.report(map[string]string{"file": path}, "%s has a new root key; copy the file to where you keep it, and restart the server\n", path)
		},
	}
}

func (a *app) rootKeyRetire() *cobra.Command {
	var in api.RetireRootKey
	cmd := &cobra.Command{
		Use: "retire VERSION", Short: "End the time of an older root key", Args: oneArg,
		Long: "From the next start on the key isn't understood any more: take it out of its file then.\n" +
			"It is refused while something still needs the key; --force gives that up for good.",
		Example: "  gatehouse root-key retire 1",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if in.Version, err = strconv.Atoi(args[0]); err != nil {
				return usagef("a root key is named by its version, a whole number; see gatehouse root-key list")
			}
			return a.showRootKeys(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/root-keys/retire", In: in})
		},
	}
	cmd.Flags().BoolVar(&in.Force, "force", false, "give up what still needs the key")
	return cmd
}

func (a *app) showRootKeys(ctx context.Context, call client.Request) error {
	var list api.List[api.RootKey]
	call.Out = &list
	if err := a.call(ctx, call); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(list)
	}
	var rows [][]string
	for _, k := range list.Items {
		var needs []string
		for _, n := range k.Needs {
			needs = append(needs, fmt.Sprintf("%d %s", n.Count, strings.ReplaceAll(n.What, "_", " ")))
		}
		rows = append(rows, []string{strconv.Itoa(k.Version), k.Identity, k.State, or(strings.Join(needs, ", "), "-")})
	}
	return a.table("VERSION\tIDENTITY\tSTATE\tNEEDED BY", rows)
}
