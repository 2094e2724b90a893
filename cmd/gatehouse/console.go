package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

func (a *app) consoleCommand() *cobra.Command {
	return &cobra.Command{
		Use: "console", Short: "Get a code that lets the operator into the console", Args: noArgs,
		Long: "The operator's pages list every organization with its credentials, and set how long those\n" +
			"last, from where they are used and how often. The code is good once, within five minutes;\n" +
			"the session that it begins lasts an hour. It stands in no address: type it into the page.",
		Example: "  gatehouse console",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			var out api.ConsoleCode
			if err := a.call(cmd.Context(), client.Request{Method: http.MethodPost, Path: "/v1/console-codes", Out: &out}); err != nil {
				return err
			}
			if cfg.DatabaseURL == "" && !a.json && !serves(cfg) {
				fmt.Fprintln(a.stderr, "no server runs on this data directory: start it with gatehouse serve, and type the code then")
			}
			return a.report(out, "Open %s and type this code within 5 minutes:\n\n    %s\n\n", out.URL, out.Code)
		},
	}
}

// serves reports whether a server owns the data directory.
func serves(cfg *Config) bool {
	path, done, err := socketPath(cfg.Data)
	if err != nil {
		return false
	}
	defer done()
	conn, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
