package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// report writes the results as a page in Markdown: medians of the turns, and ratios to flapwatch and to the bare loop.
func report(all []result, skipped []string, pace int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Receiving syslog, %s\n\n%s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), machine())
	tcp, udp := group(all, "tcp"), group(all, "udp")
	if len(tcp) > 0 {
		writeTCP(&b, tcp, pace)
	}
	if len(udp) > 0 {
		writeUDP(&b, udp)
	}
	for _, s := range skipped {
		fmt.Fprintf(&b, "Left out: %s\n", s)
	}
	return b.String()
}

func writeTCP(b *strings.Builder, groups [][]result, pace int) {
	rate := "as fast as they are taken"
	if pace > 0 {
		rate = fmt.Sprintf("at %d messages a second", pace)
	}
	fmt.Fprintf(b, "TCP, one connection, %d messages a run %s, medians of %d\n\n", groups[0][0].sent, rate, len(groups[0]))
	fmt.Fprintln(b, "| program | msg/s | CPU µs a message | of flapwatch | of the bare loop | database µs | sender µs | done s after the last | peak MiB | lost % |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|---|")
	ours, loop := cost(groups, "flapwatch"), cost(groups, "bare loop")
	for _, g := range groups {
		fmt.Fprintf(b, "| %s | %.0f | %.2f | %s | %s | %.2f | %.2f | %.1f | %.0f | %.2f |\n", g[0].program, median(g, result.perSecond), median(g, result.perMessage),
			ratio(median(g, result.perMessage), ours), ratio(median(g, result.perMessage), loop),
			median(g, result.perEngine), median(g, result.perSender), median(g, func(r result) float64 { return r.behind.Seconds() }),
			median(g, func(r result) float64 { return float64(r.peak >> 20) }), median(g, result.loss))
	}
	fmt.Fprintln(b)
}

func writeUDP(b *strings.Builder, groups [][]result) {
	fmt.Fprint(b, "UDP, each run\n\n")
	fmt.Fprintln(b, "| program | offered msg/s | sent | lost | lost % | counted as lost by itself | CPU µs a message | peak MiB |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|")
	for _, g := range groups {
		for _, r := range g {
			counted := "–"
			if r.counted >= 0 {
				counted = strconv.Itoa(r.counted)
			}
			fmt.Fprintf(b, "| %s | %d | %d | %d | %.3f | %s | %.2f | %d |\n",
				r.program, r.rate, r.sent, r.sent-r.kept, r.loss(), counted, r.perMessage(), r.peak>>20)
		}
	}
	fmt.Fprintln(b)
}

// group puts the results of a transport together by program, in the order in which they ran.
func group(all []result, transport string) (groups [][]result) {
	for _, r := range all {
		if r.transport != transport {
			continue
		}
		i := slices.IndexFunc(groups, func(g []result) bool { return g[0].program == r.program })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

func cost(groups [][]result, program string) float64 {
	for _, g := range groups {
		if g[0].program == program {
			return median(g, result.perMessage)
		}
	}
	return 0
}

func median[T cmp.Ordered](g []result, of func(result) T) T {
	values := make([]T, len(g))
	for i, r := range g {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// machine says where this was measured, and how busy it was.
func machine() string {
	load, _ := os.ReadFile("/proc/loadavg")
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			model = strings.TrimSpace(v)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s; load average %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.TrimSpace(string(load)))
}
