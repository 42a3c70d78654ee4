package main

import (
	"context"
	"fmt"
	"os"

	"flapwatch/engine"
	"flapwatch/ingest/datagram"
)

// First arguments that are for the program itself: they make it one of the processes that it starts. They are told apart before the
// command line is read, because what follows is not for people.
const (
	engineChild   = "engine-child"   // holds the embedded ClickHouse
	receiverChild = "receiver-child" // receives datagrams
)

// childOf gives what such a process does, nil for other arguments.
func childOf(args []string) func(context.Context) error {
	switch {
	case len(args) == 0:
	case args[0] == engineChild:
		return func(ctx context.Context) error { return engine.Child(ctx, args[1:], os.Stdin, os.Stderr) }
	case args[0] == receiverChild:
		return func(context.Context) error { return datagram.Child(args[1:]) }
	}
	return nil
}

// itself is the command that starts this program as such a process.
func itself(child string) ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{program, child}, nil
}
