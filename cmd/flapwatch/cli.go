package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// errUsage marks errors of the command line and the settings: exit status 2.
var errUsage = errors.New("usage")

// usageError is an error of the command line; it reads as its own text.
type usageError struct{ error }

func (usageError) Is(target error) bool { return target == errUsage }

// console is where a command reads and writes, so that a test can start the whole program.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// cli is the command line. Flags are the source of truth: environment (FLAPWATCH_…) and file derive from them.
type cli struct {
	Config string `help:"Settings file in YAML; its keys are the names of the flags." placeholder:"FILE" type:"path" env:"FLAPWATCH_CONFIG"`

	Serve      serveCmd      `cmd:"" help:"Receive syslog, store it and answer over HTTP."`
	Import     importCmd     `cmd:"" help:"Read log files into a service, or analyse them without one (--offline)."`
	Decode     decodeCmd     `cmd:"" help:"Say what a line means and what to check. Needs no service."`
	Flapping   flappingCmd   `cmd:"" help:"Devices that lose their registration again and again."`
	Patterns   patternsCmd   `cmd:"" help:"Devices that drop in a period, with the cause."`
	Outages    outagesCmd    `cmd:"" help:"Many devices at once: when, where, why."`
	Device     deviceCmd     `cmd:"" help:"One device: what it did, how it does now."`
	Events     eventsCmd     `cmd:"" help:"Stored events, newest first."`
	Sources    sourcesCmd    `cmd:"" help:"Who sends, what is missing, and what is wrong with the sender's settings."`
	Report     reportCmd     `cmd:"" help:"Reports: what happened, why, and what to do first."`
	Alert      alertCmd      `cmd:"" help:"Try the channels that alerts go to."`
	Reasons    reasonsCmd    `cmd:"" help:"The catalogue of alarms and reason codes."`
	Periods    periodsCmd    `cmd:"" help:"Find periods in anybody's event times."`
	Keepalive  keepaliveCmd  `cmd:"" help:"Predict the cycle that keepalive timers give, step by step."`
	Simulate   simulateCmd   `cmd:"" help:"Play a talkative fake cluster."`
	Check      checkCmd      `cmd:"" help:"Say what serve would run with, and what is wrong."`
	Spool      spoolCmd      `cmd:"" help:"Look into the queue on disk."`
	Token      tokenCmd      `cmd:"" help:"Tokens for HTTP."`
	Completion completionCmd `cmd:"" help:"Print a script that lets a shell complete commands and flags."`
	Complete   completeCmd   `cmd:"" hidden:"" name:"__complete" help:"The words that may come next."`
	Engine     engineCmd     `cmd:"" help:"The embedded ClickHouse."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

const description = `flapwatch receives syslog from Cisco Unified Communications Manager and tells which phones flap, which drop in a period, and why.`

// run is the whole program.
func run(ctx context.Context, args []string, env func(string) (string, bool), in io.Reader, out, stderr io.Writer) error {
	if child := childOf(args); child != nil {
		return child(ctx)
	}
	var c cli
	settings := &resolver{env: env}
	if path := configPath(args, env); path != "" {
		if err := settings.load(path); err != nil {
			return usageError{err}
		}
	}
	exited := false
	parser, err := kong.New(&c,
		kong.Name("flapwatch"), kong.Description(description), kong.Writers(out, stderr), kong.WithHyphenPrefixedParameters(true), // --from -7d
		kong.Exit(func(int) { exited = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Resolvers(settings),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{in: in, out: out, err: stderr}),
		kong.Vars{"scenarios": scenarioNames()},
	)
	if err != nil {
		return fmt.Errorf("build command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited { // --help
		return nil
	}
	if err == nil {
		err = valueless(command, args)
	}
	if err != nil {
		return usageError{withHelp(err)}
	}
	return command.Run()
}

// valueless refuses a flag at the end of the command line that wants a value: some would take an empty one without a word.
func valueless(command *kong.Context, args []string) error {
	last := args[len(args)-1]
	if slices.Contains(args, "--") {
		return nil
	}
	for _, f := range command.Flags() {
		if !f.IsBool() && (last == "--"+f.Name || last == "-"+string(f.Short)) {
			return fmt.Errorf("%s: the value is missing (%s --help)", last, command.Selected().FullPath())
		}
	}
	return nil
}

// withHelp names the command that says how it is called.
func withHelp(err error) error {
	at, ok := errors.AsType[*kong.ParseError](err)
	if !ok || at.Context == nil {
		return err
	}
	name := "flapwatch"
	if node := at.Context.Selected(); node != nil {
		name = node.FullPath()
	}
	hint := ""
	switch {
	case mistakenTime.MatchString(err.Error()):
		hint = "; a time stands behind its flag, as in --from -8d"
	case at.Context.Selected() == nil && strings.HasPrefix(err.Error(), "unknown flag"):
		hint = "; flags stand behind the command"
	}
	return fmt.Errorf("%w%s (%s --help)", err, hint, name)
}

// mistakenTime is how a time without a flag before it is taken.
var mistakenTime = regexp.MustCompile(`^unknown flag -\d`)
