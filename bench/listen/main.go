// Command listen measures what it costs to receive syslog: flapwatch beside rsyslog and syslog-ng, which take the same
// fields out of the same messages, and beside the least that any receiver must do, a loop that reads and cuts lines.
//
//	traffic.go ─▶ flapwatch | rsyslog | syslog-ng | bare loop      each a process of its own
//	                  └─ process.go: CPU, memory ─▶ table.go
//
// All run in turns, several times, and medians are told: absolute figures are those of the machine and its hour, the
// ratios last longer. ../README.md tells the method; start with main and measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	program   string // flapwatch
	messages  int    // over TCP
	pace      int    // over TCP, messages a second
	repeat    int
	rates     string // over UDP, messages a second
	udpRepeat int    // turns at each of them
	seconds   int    // of each UDP run
	only      string // names of programs
	extra     string // arguments for flapwatch serve
	out       string
	cache     string // where peers are unpacked
	keep      string // folder for the data; empty: a temporary one
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "bare" {
		if err := bareLoop(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.program, "flapwatch", "bin/flapwatch", "the program")
	flag.IntVar(&o.messages, "messages", 1_000_000, "sent to each over TCP; 0 leaves TCP out")
	flag.IntVar(&o.pace, "tcp-rate", 0, "messages a second over TCP; 0: as fast as they are taken")
	flag.IntVar(&o.repeat, "repeat", 3, "turns over TCP")
	flag.StringVar(&o.rates, "udp", "100000,200000,400000", "rates over UDP, messages a second; empty leaves UDP out")
	flag.IntVar(&o.udpRepeat, "udp-repeat", 1, "turns at each rate over UDP")
	flag.IntVar(&o.seconds, "seconds", 10, "of each UDP run")
	flag.StringVar(&o.only, "only", "", "programs to measure, by name and comma; all if empty")
	flag.StringVar(&o.extra, "args", "", "more arguments for flapwatch serve")
	flag.StringVar(&o.out, "o", "", "folder for the results; none are kept if empty")
	flag.StringVar(&o.cache, "cache", cacheFolder(), "where the packages of the peers are unpacked")
	flag.StringVar(&o.keep, "work", "", "folder for data while measuring (default: a temporary one)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func cacheFolder() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "flapwatch", "peers")
}

// run measures everything in turns. When it is interrupted, what was measured until then is told.
func run(ctx context.Context, o options) error {
	list, skipped := programs(ctx, o)
	var all []result
	each := func(over func(subject) (result, error)) error {
		for _, p := range list {
			r, err := over(p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name(), err)
			}
			fmt.Fprintln(os.Stderr, r)
			all = append(all, r)
		}
		return nil
	}
	var err error
	for turn := 0; o.messages > 0 && turn < o.repeat && err == nil; turn++ {
		err = each(func(p subject) (result, error) { return overTCP(ctx, o, p) })
	}
	for _, rate := range rates(o.rates) {
		for turn := 0; turn < o.udpRepeat && err == nil; turn++ {
			err = each(func(p subject) (result, error) { return overUDP(ctx, o, p, rate) })
		}
	}
	return errors.Join(err, tell(o, report(all, skipped, o.pace)))
}

// tell prints the page, and keeps it where that is wanted.
func tell(o options, page string) error {
	fmt.Print(page)
	if o.out == "" {
		return nil
	}
	name := filepath.Join(o.out, time.Now().UTC().Format("2006-01-02T1504")+"-listen.md")
	return os.WriteFile(name, []byte(page), 0o644)
}

func rates(list string) (out []int) {
	for word := range strings.SplitSeq(list, ",") {
		var n int
		if _, err := fmt.Sscan(word, &n); err == nil {
			out = append(out, n)
		}
	}
	return out
}
