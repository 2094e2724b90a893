//go:build !race

package credential

const raceAllocations = 0
