package main

import (
	"github.com/spf13/cobra"
)

// completionCommand prints a completion script.
func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion SHELL", Short: "Print a completion script for bash, zsh, fish or powershell", Args: oneArg,
		Long: "Prints a script that completes commands, flags, and what --scheme, --role and --state\n" +
			"take. The one for bash needs the package bash-completion.",
		Example:   "  gatehouse completion bash > /etc/bash_completion.d/gatehouse\n  gatehouse completion zsh > \"${fpath[1]}/_gatehouse\"",
		ValidArgs: []cobra.Completion{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return usagef("%s is none of bash, zsh, fish, powershell", said(args[0]))
		},
	}
}

// completeWords lets shells complete a flag with words.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails for unknown flags only
}

// completeSchemes lets shells complete --scheme with the schemes that the
// configuration has, without asking a server.
func (a *app) completeSchemes(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("scheme", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		cfg, err := a.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, s := range cfg.Schemes.All() {
			names = append(names, s.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}
