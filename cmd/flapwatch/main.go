// Command flapwatch tells which IP phones of a Cisco Unified Communications Manager lose their registration, which of them do
// so in a period, and why. Start at run.go: it builds what the drawing above it shows. cli.go lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a write that fails instead, so that what is temporary is removed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	if closedPipe(err) {
		os.Exit(128 + int(syscall.SIGPIPE)) // as a shell tells it
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(os.Stderr, "flapwatch:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// closedPipe says that whoever read the answer has had enough of it, as head has.
func closedPipe(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write) && write.Path == os.Stdout.Name() && errors.Is(write, syscall.EPIPE)
}
