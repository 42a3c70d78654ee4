//go:build race

package report_test

// fleetSize of TestSize: the race detector makes it slow.
const fleetSize = 2_000
