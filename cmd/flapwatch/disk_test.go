package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/internal/smalldisk"
)

// trouble is what /readyz says, empty when it is ready.
func (p *program) trouble() string {
	status, _, text := p.call(http.MethodGet, "/readyz", "")
	if status == http.StatusOK {
		return ""
	}
	return string(text)
}

// ballast takes what is left of a disk, but for some bytes, and gives the file that does.
func ballast(t *testing.T, disk string, but int64) string {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(disk, &st); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(disk, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.CopyN(f, zeroes{}, int64(st.Bavail)*st.Bsize-but)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// onceEach fails if a message is missing or there twice.
func onceEach(t *testing.T, times []uint8) {
	t.Helper()
	for n, there := range times {
		if there != 1 {
			t.Fatalf("message %d is there %d times", n, there)
		}
	}
}

// TestFullDisk lets the queue fill the disk that it shares with the database, while that is stopped. TCP is held back, datagrams are
// dropped and counted, and /readyz says why. When the database goes on, all of it recovers without anybody making room.
func TestFullDisk(t *testing.T) {
	data := folder(t)
	if err := os.Mkdir(data, 0o750); err != nil {
		t.Fatal(err)
	}
	smalldisk.Mount(t, data, "120m")
	p := serve(t, data)
	ballast(t, data, 46<<20) // 30 of them are the database's
	child := engineOf(t, p)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGCONT) })
	sender := newNumbered()
	sender.pause = time.Millisecond
	stop, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		sender.until(stop, p.tcp)
		close(ended)
	}()
	datagrams := uint64(0)
	c, err := net.Dial("udp", p.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// What fills the queue must take no room in the database: copies of one alarm, with a text that no packing makes smaller.
	noise := make([]byte, 30_000) // twice as long in hexadecimal digits
	rand.NewChaCha8([32]byte{}).Read(noise)
	long := []byte(strings.Replace(wireForm, "[Description=Phone]", fmt.Sprintf("[Description=%x]", noise), 1))
	p.wait("the disk is full and datagrams are dropped", func() bool {
		for range 100 {
			if _, err := c.Write(long); err == nil {
				datagrams++
			}
		}
		return strings.Contains(p.trouble(), "no space left") && p.metric(`flapwatch_dropped_messages_total{reason="intake_full"}`) > 0
	})
	full := time.Now()
	close(stop)
	if why := p.trouble(); !strings.HasPrefix(why, "spool: ") {
		t.Errorf("readyz says %q", why)
	}
	back := time.Now()
	if err := syscall.Kill(child, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-ended
	sent := sender.flood.Count()
	p.wait("all is received", func() bool { return p.trouble() == "" && p.stats().Received == sent+datagrams })
	s := p.settled()
	onceEach(t, sender.stored(p))
	if s.Stored != sent+1 || s.Dropped == 0 || 1+s.Duplicate+s.Dropped != datagrams || s.Other+s.Unparsed != 0 {
		t.Errorf("%d messages and %d datagrams sent, stats say %+v", sent, datagrams, s)
	}
	t.Logf("full after %v and %d MiB: %d messages over TCP held back, lost 0, twice 0; %d datagrams, %d dropped, each counted; ready again and all stored %v after the database went on",
		full.Sub(began).Round(time.Millisecond), s.SpoolBytes>>20, sent, datagrams, s.Dropped, time.Since(back).Round(time.Millisecond))
}

// TestFullDatabase fills the disk of the database alone: messages wait in the queue, /readyz says why, and all is stored as soon as
// there is room.
func TestFullDatabase(t *testing.T) {
	data := folder(t)
	disk := filepath.Join(data, "clickhouse")
	if err := os.MkdirAll(disk, 0o750); err != nil {
		t.Fatal(err)
	}
	smalldisk.Mount(t, disk, "64m")
	p, sender := serve(t, data), newNumbered()
	full := ballast(t, disk, 0)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		sender.until(stop, p.tcp)
		close(ended)
	}()
	p.wait("readyz says that the disk is full", func() bool {
		why := p.trouble()
		return strings.HasPrefix(why, "store: ") && strings.Contains(why, "space")
	})
	close(stop)
	<-ended
	sent := sender.flood.Count()
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	p.wait("all is received", func() bool { return p.trouble() == "" && p.stats().Received == sent })
	s := p.settled()
	onceEach(t, sender.stored(p))
	if s.Stored != sent || s.Duplicate+s.Unparsed+s.Dropped != 0 {
		t.Errorf("%d messages sent, stats say %+v", sent, s)
	}
	t.Logf("%d messages sent while the database's disk was full: all stored once when there was room", sent)
}
