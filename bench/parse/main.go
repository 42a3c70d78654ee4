// Command parse measures what it costs to understand a message, beside go-syslog on the lines that are easiest for it. All take
// turns in one process on one core, so that a busy machine does the same to each; medians and the best turn are told, in Markdown.
//
//	go run ./bench/parse -o bench/results
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/parse"
	"flapwatch/reasons"

	syslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"
)

const (
	body = "%UC_CALLMANAGER-3-EndPointUnregistered: " +
		"%[DeviceName=SEPE0D1730A8137][IPAddress=10.60.98.210][Protocol=SIP][DeviceType=592][Description=Phone][Reason=13]" +
		"[IPAddrAttributes=0][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager]" +
		"[ClusterID=StandAloneCluster][NodeID=uc-ucm-01]: An endpoint has unregistered"
	line = "41679: uc-ucm-01.pcce.local: Jul 02 2015 06:22:31.123 UTC :  " + body
)

func main() {
	folder := flag.String("o", "", "folder for the page; standard output if empty")
	turns := flag.Int("turns", 21, "turns")
	slice := flag.Duration("time", 20*time.Millisecond, "time of one turn")
	samples := flag.String("samples", "parse/testdata/derived.jsonl", "mixed lines, as the tests have them")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	all, err := contests(*samples)
	if err != nil {
		log.Fatal(err)
	}
	for range *turns {
		for i := range all {
			all[i].turn(*slice)
		}
	}
	page := report(all)
	if *folder == "" {
		fmt.Print(page)
		return
	}
	path := filepath.Join(*folder, time.Now().UTC().Format("2006-01-02T1504")+"-parse.md")
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(path)
}

// contest is one way to understand lines, and what its turns cost.
type contest struct {
	name   string
	lines  []string
	do     func(line string)
	ns     []float64
	allocs float64
	bytes  float64
}

func contests(path string) ([]contest, error) {
	mixed, err := readSamples(path)
	if err != nil {
		return nil, fmt.Errorf("read the mixed lines: %w", err)
	}
	catalogue, err := reasons.New()
	if err != nil {
		return nil, err
	}
	p, words := parse.New(catalogue.Keys()), ingest.Words{Catalogue: catalogue}
	var e event.Event
	at := parse.Context{Received: time.Now()}
	parsed := func(line string) { _, _ = p.Parse(line, at, &e) }
	decoded := func(line string) {
		if status, _ := p.Parse(line, at, &e); status == event.Alarm {
			words.Explain(&e)
		}
	}
	one := func(line string) []string { return []string{line} }
	return []contest{
		{name: "go-syslog RFC 3164, the same body", lines: one("<187>Jul  2 08:22:31 uc-ucm-01 ccm: " + body), do: peer(rfc3164.NewMachine())},
		{name: "go-syslog RFC 3164, the RFC's first example", lines: one("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"), do: peer(rfc3164.NewMachine())},
		{name: "go-syslog RFC 5424, the same body", lines: one("<187>1 2015-07-02T06:22:31.500Z uc-ucm-01 ccm - - - " + body), do: peer(rfc5424.NewMachine())},
		{name: "newline scan of the seed's line", lines: one("<187>" + line), do: func(line string) { strings.IndexByte(line, '\n') }},
		{name: "**parse and decode, the seed's line**", lines: one("<187>" + line), do: decoded},
		{name: "parse, the seed's line", lines: one("<187>" + line), do: parsed},
		{name: "parse, through the Syslog Agent", lines: one("<187>10499: : : " + line), do: parsed},
		{name: "parse, syslog file", lines: one("Jul  2 08:22:31 uc-ucm-01 local7 3 ccm: " + line), do: parsed},
		{name: "parse, behind a relay's header", lines: one("<187>Jul  2 08:22:31 10.60.1.12 " + line), do: parsed},
		{name: "parse, audit noise", lines: one("<14>1362992: : audispd:node=cucm01 type=PROCTITLE msg=audit(1630319311.975:2557529): proctitle=2F7573722F6C69622F73797374656D642F73797374656D64002D2D7377697463686564"), do: parsed},
		{name: fmt.Sprintf("parse, %d mixed lines of the tests", len(mixed)), lines: mixed, do: parsed},
	}, nil
}

// peer parses with go-syslog, which wants bytes.
func peer(machine syslog.Machine) func(string) {
	var input []byte
	return func(line string) {
		if len(input) != len(line) {
			input = []byte(line)
		}
		if m, err := machine.Parse(input); m == nil || err != nil {
			log.Fatalf("go-syslog does not understand %q: %v", line, err)
		}
	}
}

func readSamples(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s struct{ Raw string }
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, err
		}
		all = append(all, s.Raw)
	}
	return all, lines.Err()
}

// turn goes through the lines until the time is over.
func (c *contest) turn(d time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, begin := 0, time.Now()
	for time.Since(begin) < d {
		for range max(1, 200/len(c.lines)) {
			for _, line := range c.lines {
				c.do(line)
			}
			n += len(c.lines)
		}
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	c.ns = append(c.ns, float64(took.Nanoseconds())/float64(n))
	c.allocs = float64(after.Mallocs-before.Mallocs) / float64(n)
	c.bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
}

// report writes the page. The first contest is what the others are compared with.
func report(all []contest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Understanding messages, %s\n\n%s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), machine())
	fmt.Fprintf(&b, "One goroutine, %d turns\n\n| work | ns, median | ns, best | MB/s | allocations | bytes | of go-syslog's first line |\n|---|---|---|---|---|---|---|\n", len(all[0].ns))
	base := median(all[0].ns)
	for _, c := range all {
		size := 0
		for _, line := range c.lines {
			size += len(line)
		}
		m := median(c.ns)
		fmt.Fprintf(&b, "| %s | %.0f | %.0f | %.0f | %.1f | %.0f | %.2f |\n",
			c.name, m, slices.Min(c.ns), float64(size)/float64(len(c.lines))/m*1000, c.allocs, c.bytes, m/base)
	}
	return b.String()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func machine() string { // as in listen
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "model name"); ok {
			cpu, _, _ = strings.Cut(strings.TrimLeft(rest, "\t :"), "\n")
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%s, %d cores, %s/%s, %s; load average %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.TrimSpace(string(load)))
}
