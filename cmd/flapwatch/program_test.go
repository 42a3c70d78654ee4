package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/internal/clickhousetest"
)

const asProgram = "FLAPWATCH_TEST_AS_PROGRAM"

// TestMain lets the test binary be the program, and the processes it starts, so that tests can kill them.
func TestMain(m *testing.M) {
	if address, n, ok := strings.Cut(os.Getenv(asCrowd), " "); ok {
		many, _ := strconv.Atoi(n)
		if err := crowd(address, many); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(asProgram) != "" || childOf(os.Args[1:]) != nil {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is a running flapwatch serve in a process of its own.
type program struct {
	t             testing.TB
	command       *exec.Cmd
	log           *lockedBuffer
	web, udp, tcp string
}

// command makes the program with arguments, to be run by the test.
func command(t testing.TB, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

var addressLine = regexp.MustCompile(`(http://\S+|udp://\S+|tcp://\S+)`)

// serve starts the service on free ports and waits until it is ready. It is stopped at the end of the test.
func serve(t testing.TB, data string, args ...string) *program {
	t.Helper()
	p := launch(t, data, args...)
	p.wait("ready", func() bool { return p.status("/readyz") == http.StatusOK })
	return p
}

// launch starts the service and waits until it listens.
func launch(t testing.TB, data string, args ...string) *program {
	t.Helper()
	clickhousetest.Library(t)
	c := command(t, append([]string{
		"serve", "--data", data, "--http", "127.0.0.1:0", "--syslog", "udp://127.0.0.1:0,tcp://127.0.0.1:0"}, args...)...)
	p := &program{t: t, command: c, log: new(lockedBuffer)}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = p.log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of the service:\n%s", p.log)
		}
	})
	lines := bufio.NewScanner(out)
	for p.tcp == "" && lines.Scan() {
		for _, a := range addressLine.FindAllString(lines.Text(), -1) {
			switch scheme, host, _ := strings.Cut(a, "://"); scheme {
			case "http":
				p.web = strings.TrimSuffix(a, "/")
			case "udp":
				p.udp = host
			case "tcp":
				p.tcp = host
			}
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if p.tcp == "" {
		t.Fatalf("the service did not start:\n%s", p.log)
	}
	return p
}

// stop ends the service as an operator would.
func (p *program) stop() {
	if p.command.ProcessState != nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// kill ends it as a power cut would.
func (p *program) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// wait asks until what is wanted is so, or fails after half a minute.
func (p *program) wait(what string, done func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited too long until %s; log of the service:\n%s", what, p.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *program) status(path string) int {
	r, err := http.Get(p.web + path)
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

// get fetches a JSON answer of the API.
func (p *program) get(path string, query url.Values, v any) {
	p.t.Helper()
	r, err := http.Get(p.web + "/api/v1" + path + "?" + query.Encode())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s: %s", path, r.Status, body)
	}
	if err := json.Unmarshal(body, v); err != nil {
		p.t.Fatalf("%s: %v in %s", path, err, body)
	}
}

func (p *program) stats() api.Stats {
	p.t.Helper()
	var s api.Stats
	p.get("/stats", nil, &s)
	if sum := s.Stored + s.Duplicate + s.Unparsed + s.Other + s.Dropped + s.InSpool; s.Received != sum || s.InSpool > s.Received {
		p.t.Fatalf("stats do not add up: %+v", s)
	}
	return s
}

// settled waits until nothing is on its way any more and the metrics say so too, and gives the accounting.
func (p *program) settled() (s api.Stats) {
	p.t.Helper()
	p.wait("the spool is empty", func() bool {
		if p.status("/readyz") != http.StatusOK {
			return false
		}
		s = p.stats()
		return s.InSpool == 0 && p.accounts() == [...]uint64{s.Received, s.Stored, s.Duplicate, s.Unparsed, s.Other, s.Dropped, s.InSpool}
	})
	return s
}

// accounts is the accounting as the metrics show it.
func (p *program) accounts() (n [7]uint64) {
	p.t.Helper()
	for i, state := range []string{"received", "stored", "duplicate", "unparsed", "other", "dropped", "in_spool"} {
		n[i] = uint64(p.metric(`flapwatch_messages{state="` + state + `"}`))
	}
	return n
}

// once runs a command of the program to its end.
func once(t *testing.T, stdin string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	c := command(t, args...)
	var out, log bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &log
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	_ = c.Run()
	return out.String(), log.String(), c.ProcessState.ExitCode()
}

// folder is a data folder that is short enough for a unix socket.
func folder(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}

func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}
