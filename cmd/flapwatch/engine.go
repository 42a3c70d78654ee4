package main

import (
	"context"
	"os"

	"flapwatch/engine"
)

// engineChild is the hidden first argument of the process that holds the embedded ClickHouse.
const engineChild = "engine-child"

// childMain is the whole program of that process. It is told apart before the command line is read, because its arguments
// are the engine's own.
func childMain(ctx context.Context, args []string) error {
	return engine.Child(ctx, args, os.Stdin, os.Stderr)
}
