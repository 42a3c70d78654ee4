// Command periods measures the period finder: on a labelled corpus (recall, precision, errors, calibration, next events) and
// on fresh series without a pattern (false alarms). It prints the goals beside what was reached.
//
//	go run ./bench/periods -corpus ../shared/corpus/tune.jsonl -count 20000
//
// Start with goals.go for what is counted, score.go for when an answer is right, and negatives.go and positives.go for what
// fresh series are made of.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "periods:", err)
		os.Exit(1)
	}
}

type settings struct {
	corpus  string
	half    int
	class   string
	count   int
	fresh   int
	seed    uint64
	workers int
	misses  bool
	speed   bool
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	s := settings{}
	flags := flag.NewFlagSet("periods", flag.ContinueOnError)
	flags.StringVar(&s.corpus, "corpus", corpusPath(getenv), "labelled series, one JSON object a line")
	flags.IntVar(&s.half, "half", -1, "only the half 0 or 1 of the corpus, by a hash of the id")
	flags.StringVar(&s.class, "class", "", "only this class")
	flags.IntVar(&s.count, "count", 0, "fresh series without a pattern, a class")
	flags.IntVar(&s.fresh, "fresh", 0, "fresh series with a pattern, a kind")
	flags.Uint64Var(&s.seed, "seed", 1, "of the generator")
	flags.IntVar(&s.workers, "workers", runtime.GOMAXPROCS(0), "series analysed at once")
	flags.BoolVar(&s.misses, "misses", false, "list the labelled series that were missed or got a wrong period")
	flags.BoolVar(&s.speed, "speed", false, "time a search by number of events")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.corpus != "" {
		if err := measureCorpus(ctx, s, out); err != nil {
			return fmt.Errorf("measuring %s: %w", s.corpus, err)
		}
	}
	if s.speed {
		measureSpeed(s, out)
	}
	if s.fresh > 0 {
		if err := measurePositives(ctx, s, out); err != nil {
			return err
		}
	}
	if s.count > 0 {
		return measureNegatives(ctx, s, out)
	}
	return nil
}

// corpusPath is where the labelled series are: FLAPWATCH_CORPUS, or tune.jsonl of the shared folder.
func corpusPath(getenv func(string) string) string {
	shared := cmp.Or(getenv("FLAPWATCH_SHARED"), filepath.Join("..", "shared"))
	return cmp.Or(getenv("FLAPWATCH_CORPUS"), filepath.Join(shared, "corpus", "tune.jsonl"))
}
