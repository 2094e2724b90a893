//go:build unix

package main

import "syscall"

// ownFiles keeps what this process writes from everybody else.
func ownFiles() { syscall.Umask(0o077) }
