//go:build !race

package report_test

// fleetSize of TestSize.
const fleetSize = 50_000
