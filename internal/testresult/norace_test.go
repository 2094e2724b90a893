//go:build !race

package testresult_test

const raceDetector = false
