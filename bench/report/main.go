// Command report measures what the weekly report of a large fleet costs: the first one of a week, which looks at all its events, and one
// of a service that was started again, for which the findings of both weeks are kept. The folder is filled with
//
//	go run ./bench/fleet --data FOLDER --events 21500000 --devices 50000 --length 336h --until 2026-11-23T00:00:00Z
//	go run ./bench/report --data FOLDER --week 2026-W47
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.binary, "binary", "bin/flapwatch", "the program")
	flag.StringVar(&b.data, "data", "", "data folder")
	flag.StringVar(&b.week, "week", "", "week to report")
	flag.IntVar(&b.turns, "turns", 3, "times that the service is started; the first makes what is not kept yet")
	flag.Parse()
	for turn := range b.turns {
		if err := b.run(context.Background(), turn+1); err != nil {
			log.Fatal(err)
		}
	}
}

type bench struct {
	binary, data, week string
	turns              int
}

const web = "127.0.0.1:18081"

// run starts the service, asks once in each form, and prints how long it took and the most memory that the program held (VmHWM).
func (b *bench) run(ctx context.Context, turn int) error {
	service := exec.CommandContext(ctx, b.binary, "serve", "--data", b.data, "--http", web, "--syslog", "tcp://127.0.0.1:0", "--log-level", "warn")
	service.Stderr = os.Stderr
	if err := service.Start(); err != nil {
		return err
	}
	defer func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		_ = service.Wait()
	}()
	if err := ready(); err != nil {
		return err
	}
	for _, format := range []string{"html", "json", "csv", "md"} {
		began := time.Now()
		n, err := get("/api/v1/reports/weekly?week=" + b.week + "&format=" + format)
		if err != nil {
			return err
		}
		peak, err := peak(service.Process.Pid)
		if err != nil {
			return err
		}
		fmt.Printf("start %d  %-4s  %8s  %9d bytes  at most %d MiB\n", turn, format, time.Since(began).Round(time.Millisecond), n, peak>>20)
	}
	return nil
}

func ready() error {
	for range 600 {
		if _, err := get("/readyz"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("the service is not ready after a minute")
}

// get fetches a page and gives its length.
func get(path string) (int64, error) {
	r, err := http.Get("http://" + web + path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Body.Close() }()
	n, err := io.Copy(io.Discard, r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = errors.New(r.Status)
	}
	return n, err
}

// peak is the most memory that a process held, in bytes (proc(5), VmHWM).
func peak(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kib << 10, nil
		}
	}
	return 0, errors.Join(err, errors.New("no VmHWM"))
}
