//go:build race

package testresult_test

// raceDetector takes time and memory of its own.
const raceDetector = true
