package simulate

import (
	"context"
	"testing"
)

// benchmark plays a week of a scenario with many phones, again and again, and reports what a line costs.
func benchmark(b *testing.B, scenario string, phones int) {
	o := aWeek(scenario)
	o.Phones, o.Loss = phones, -1
	ctx := context.Background()
	b.ReportAllocs()
	var lines, bytes uint64
	for b.Loop() {
		o.Seed++
		truth, err := Run(ctx, o, func(l Line) error { bytes += uint64(len(l.Raw)); return nil })
		if err != nil {
			b.Fatal(err)
		}
		lines += truth.Lines
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(bytes)/float64(lines), "B/line")
}

func BenchmarkSixteenMinute(b *testing.B) { benchmark(b, "sixteen-minute", 1000) }
func BenchmarkOffice(b *testing.B)        { benchmark(b, "office", 5000) }
func BenchmarkQuiet(b *testing.B)         { benchmark(b, "quiet", 20_000) }
func BenchmarkOutage(b *testing.B)        { benchmark(b, "outage", 5000) }
