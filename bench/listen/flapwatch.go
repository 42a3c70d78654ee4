package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// flapwatch stores in its embedded ClickHouse, with every message fsynced in the spool before.
type flapwatch struct{ program, extra string }

func (flapwatch) name() string { return "flapwatch" }

type flapwatchRun struct {
	*process
	syslog, web string
}

func (f flapwatch) begin(dir, transport string) (running, error) {
	syslog, err := freePort()
	if err != nil {
		return nil, err
	}
	web, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", dir + "/data", "--http", web, "--syslog", transport + "://" + syslog, "--log-level", "warn"}
	p, err := start(dir, nil, f.program, append(args, strings.Fields(f.extra)...)...)
	if err != nil {
		return nil, err
	}
	r := &flapwatchRun{p, syslog, web}
	for range 600 {
		if r.ready() {
			return r, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.stop()
	return nil, fmt.Errorf("not ready: %s", r.log.String())
}

func (r *flapwatchRun) address() string { return r.syslog }
func (r *flapwatchRun) pid() int        { return r.Process.Pid }

func (r *flapwatchRun) end() {
	r.stop()
	if r.log.Len() > 0 {
		fmt.Fprint(os.Stderr, r.log.String())
	}
}

func (r *flapwatchRun) ready() bool {
	answer, err := http.Get("http://" + r.web + "/readyz")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// done sums the messages that are committed to ClickHouse.
func (r *flapwatchRun) done() (int, error) { return r.sum("flapwatch_decided_messages_total") }

// dropped sums what it says that it has lost.
func (r *flapwatchRun) dropped() (int, error) { return r.sum("flapwatch_dropped_messages_total") }

// sum asks for a counter and sums it over its labels.
func (r *flapwatchRun) sum(counter string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.web+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	q.Header.Set("Accept-Encoding", "identity") // what is measured is not to compress answers
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return sum(answer.Body, counter)
}

func sum(metrics io.Reader, counter string) (n int, err error) {
	s := bufio.NewScanner(metrics)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), counter+"{") {
			v, err := strconv.ParseFloat(s.Text()[strings.LastIndexByte(s.Text(), ' ')+1:], 64)
			if err != nil {
				return n, err
			}
			n += int(v)
		}
	}
	return n, s.Err()
}
