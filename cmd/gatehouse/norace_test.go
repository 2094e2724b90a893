//go:build !race

package main

const generatedRequests = 3000
