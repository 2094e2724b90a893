package main

import "github.com/spf13/cobra"

// reportCommand is about the files that test programs write.
func (a *app) reportCommand() *cobra.Command {
	return a.group("report", "Look into files of test results", a.inspectCommand())
}
