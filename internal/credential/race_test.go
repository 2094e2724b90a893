//go:build race

package credential

// raceAllocations is what the race detector's own doings may allocate.
const raceAllocations = 3
