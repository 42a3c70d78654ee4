// Command api measures how long people wait for answers: it fills a data folder with events of a talkative month, serves it, sends
// more beside, and asks at a fixed rate. Latency counts from when a question was due, not from when it was sent, so that a service
// that stalls cannot hide it.
//
//	go build -o bin/flapwatch ./cmd/flapwatch && go run ./bench/api --binary bin/flapwatch --data /tmp/bench-api
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"flapwatch/engine"
	"flapwatch/store"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	web     = "127.0.0.1:18099"
	syslog  = "127.0.0.1:15599"
	devices = 5000
)

func main() {
	var b bench
	flag.StringVar(&b.binary, "binary", "bin/flapwatch", "the program")
	flag.StringVar(&b.data, "data", "", "data folder; filled if it does not exist")
	flag.IntVar(&b.events, "events", 10_000_000, "events to fill in, over 30 days")
	flag.IntVar(&b.rate, "rate", 50, "questions a second")
	flag.IntVar(&b.ingest, "ingest", 5000, "messages a second beside")
	flag.DurationVar(&b.length, "length", time.Minute, "how long to ask")
	flag.Parse()
	if err := b.run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

type bench struct {
	binary, data         string
	events, rate, ingest int
	length               time.Duration
}

func (b *bench) run(ctx context.Context) error {
	if b.data == "" {
		return errors.New("--data names the folder to fill")
	}
	if _, err := os.Stat(b.data); err != nil {
		if err := b.fill(ctx); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	service := exec.CommandContext(ctx, b.binary, "serve", "--data", b.data, "--http", web, "--syslog", "tcp://"+syslog, "--log-level", "error")
	service.Stderr = os.Stderr
	service.Cancel = func() error { return service.Process.Signal(syscall.SIGTERM) }
	if err := service.Start(); err != nil {
		return err
	}
	defer func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		_ = service.Wait()
	}()
	if err := ready(ctx); err != nil {
		return err
	}
	for _, q := range questions { // the fleet is judged for the first time, which takes some seconds
		began := time.Now()
		get(q.path)
		fmt.Printf("%-28s first after %s\n", q.name, time.Since(began).Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(ctx, b.length)
	defer cancel()
	sent := make(chan int, 1)
	go func() { sent <- b.send(ctx) }()
	b.ask(ctx)
	fmt.Printf("%d messages sent beside, %.0f a second\n", <-sent, float64(b.ingest))
	return nil
}

// month writes events of devices that drop every hour or so, and come back. The words that go together are those of
// package store, unfold.go.
const month = `
INSERT INTO events (cluster, device, time, origin, ip, number, lag, sender, phone, said, rest, range_end)
SELECT 'Campus', concat('SEP', leftPad(hex(cityHash64(number) % {devices:UInt64}), 12, '0')) AS name,
       now64(3) - toIntervalMillisecond(intDiv(number * 2592000000, {events:UInt64})),
       arrayStringConcat([if(number % 2 = 0, 'EndPointUnregistered', 'EndPointRegistered'), concat('ucm-0', toString(1 + number % 2)),
           'Cisco CallManager', if(number % 2 = 0, '13', '')], '\x1f'),
       concat('10.1.', toString(cityHash64(number) % {devices:UInt64} % 250), '.9'),
       number, 40,
       arrayStringConcat(['message', '', '10.0.0.1', 'ucm-01', '', '', '', 'bench'], '\x1f'),
       arrayStringConcat(['', '', 'SIP', 'Desk', '592', 'Cisco 3905'], '\x1f'),
       arrayStringConcat(['UC_CALLMANAGER', if(number % 2 = 0, '3', '6'), 'SIPStationDPrimaryLineTimeout', '', '', 'An endpoint has unregistered',
           if(number % 2 = 0, 'down', 'up'), '', 'KeepAliveTimeout', 'keepalive', '', ''], '\x1f'),
       concat('%%\x1f\x1f<187>', toString(number), ': ucm-01: %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName=', name, '][IPAddress=10.1.2.9][Protocol=SIP][DeviceType=592]',
              '[Description=Desk][Reason=13][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager][ClusterID=Campus][NodeID=ucm-01]: An endpoint has unregistered'), 1
FROM numbers({first:UInt64}, {count:UInt64})`

// committed marks the events as committed: what is not is nobody's answer.
const committed = `INSERT INTO counts (spool, first, next, received, stored) SELECT 'bench', 0, 1, {events:UInt64}, {events:UInt64}`

// fill makes the schema and lets ClickHouse write the events itself.
func (b *bench) fill(ctx context.Context) error {
	library, err := engine.Locate()
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	binary, err := filepath.Abs(b.binary)
	if err != nil {
		return err
	}
	e, err := engine.Start(ctx, engine.Options{Dir: filepath.Join(b.data, "clickhouse"), Library: library, Command: []string{binary, "engine-child"}, Log: quiet})
	if err != nil {
		return err
	}
	defer func() { _ = e.Stop(ctx) }()
	s, err := store.Open(ctx, e.Options("flapwatch"), store.Settings{Log: quiet})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	conn, err := clickhouse.Open(e.Options("flapwatch"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	const piece = 1_000_000
	for first := 0; first < b.events; first += piece {
		err := conn.Exec(ctx, month, clickhouse.Named("devices", devices), clickhouse.Named("events", b.events),
			clickhouse.Named("first", first), clickhouse.Named("count", min(piece, b.events-first)))
		if err != nil {
			return err
		}
	}
	if err := conn.Exec(ctx, committed, clickhouse.Named("events", b.events)); err != nil {
		return err
	}
	fmt.Printf("%d events filled in within %s\n", b.events, time.Since(began).Round(time.Second))
	return nil
}

func ready(ctx context.Context) error {
	for range 600 {
		if r, err := http.Get("http://" + web + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return errors.New("the service is not ready after a minute")
}

// send writes messages at the rate, each its own.
func (b *bench) send(ctx context.Context) (n int) {
	c, err := net.Dial("tcp", syslog)
	if err != nil {
		return 0
	}
	defer func() { _ = c.Close() }()
	w := bufio.NewWriterSize(c, 1<<16)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return n
		case now := <-tick.C:
			for range b.ingest / 50 {
				n++
				fmt.Fprintf(w, "<187>%d: ucm-01: %s :  %%UC_CALLMANAGER-3-EndPointUnregistered: %%[DeviceName=SEP%012X][IPAddress=10.1.2.9][Protocol=SIP][DeviceType=592]"+
					"[Description=Desk][Reason=13][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager][ClusterID=Campus][NodeID=ucm-01]: An endpoint has unregistered\n",
					20_000_000+n, now.UTC().Format("Jan 02 2006 15:04:05.000 UTC"), rand.IntN(devices))
			}
			if w.Flush() != nil {
				return n
			}
		}
	}
}

// questions are asked in turn.
var questions = []struct{ name, path string }{
	{"/events", "/api/v1/events"},
	{"/devices/{name}/timeline", "/api/v1/devices/SEP%012X/timeline"},
	{"/flapping", "/api/v1/flapping"},
}

// ask asks at the rate and prints what people waited.
func (b *bench) ask(ctx context.Context) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	took, failed := map[string][]time.Duration{}, map[string]int{}
	tick := time.NewTicker(time.Second / time.Duration(b.rate))
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		due := <-tick.C
		q := questions[i%len(questions)]
		wg.Go(func() {
			ok := get(q.path)
			mu.Lock()
			defer mu.Unlock()
			took[q.name] = append(took[q.name], time.Since(due))
			if !ok {
				failed[q.name]++
			}
		})
	}
	wg.Wait()
	for _, q := range questions {
		d := took[q.name]
		slices.Sort(d)
		fmt.Printf("%-28s %5d asked  %3d failed  p50 %8s  p99 %8s  worst %8s\n", q.name, len(d), failed[q.name],
			d[len(d)/2].Round(time.Millisecond), d[len(d)*99/100].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	}
}

func get(path string) bool {
	if strings.Contains(path, "%012X") {
		path = fmt.Sprintf(path, rand.IntN(devices))
	}
	client := http.Client{Timeout: time.Minute}
	r, err := client.Get("http://" + web + path)
	if err != nil {
		return false
	}
	defer func() { _ = r.Body.Close() }()
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil && r.StatusCode == http.StatusOK
}
