// Package report sends the results of test programs to a server, from a CI job.
package report
