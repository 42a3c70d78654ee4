package pattern

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"flapwatch/event"
)

// devices yields n devices: every tenth has a timer, every third too few events, the rest accidental ones.
func devices(n int) SourceFunc {
	return func(ctx context.Context, yield func(event.Series) error) error {
		for i := range n {
			r := random(uint64(i))
			s := event.Series{Cluster: "c", Device: fmt.Sprintf("SEP%04d", i)}
			switch {
			case i%10 == 0:
				s.Times = timer(40, 963, 9, r)
			case i%3 == 0:
				s.Times = poisson(3, 1e-3, r)
			default:
				s.Times = poisson(20, 1e-3, r)
			}
			if err := yield(s); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestScan(t *testing.T) {
	for _, workers := range []int{1, 4} {
		found, err := Scan(context.Background(), devices(200), ScanOptions{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 20 {
			t.Fatalf("%d workers: %d devices, want 20", workers, len(found))
		}
		last := math.Inf(1)
		for _, d := range found {
			g := d.Result.Findings[0]
			if d.Device[len(d.Device)-1] != '0' || math.Abs(g.Period-963) > 10 || g.Score > last {
				t.Errorf("%d workers: %s with %.1f s, score %.1f after %.1f", workers, d.Device, g.Period, g.Score, last)
			}
			last = g.Score
		}
	}
}

func TestScanStops(t *testing.T) {
	broken := errors.New("connection lost")
	_, err := Scan(context.Background(), SourceFunc(func(ctx context.Context, yield func(event.Series) error) error {
		if err := devices(50)(ctx, yield); err != nil {
			return err
		}
		return broken
	}), ScanOptions{})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the source", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Scan(ctx, devices(50), ScanOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
