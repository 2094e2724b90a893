//go:build race

package main

// generatedRequests are fewer here: the race detector makes SQLite seven times slower.
const generatedRequests = 1000
