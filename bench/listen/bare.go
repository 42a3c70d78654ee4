package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// bare is the least a receiver must do: read, and find the ends of lines.
type bare struct{}

func (bare) name() string { return "bare loop" }

type bareRun struct {
	*process
	at, count string
}

func (bare) begin(dir, transport string) (running, error) {
	at, err := freePort()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(dir, nil, self, "bare", transport+"://"+at)
	if err != nil {
		return nil, err
	}
	r := &bareRun{p, at, dir + "/count"}
	for range 400 {
		if _, err := os.Stat(r.count); err == nil {
			return r, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("the loop did not start: %s", p.log.String())
}

func (r *bareRun) address() string { return r.at }
func (r *bareRun) pid() int        { return r.Process.Pid }
func (r *bareRun) end()            { r.stop() }

func (r *bareRun) done() (int, error) {
	text, err := os.ReadFile(r.count)
	n, _ := strconv.Atoi(string(text))
	return n, err
}

// bareLoop runs in a process of its own. It tells how many lines it has seen in a file, ten times a second.
func bareLoop(address string) error {
	transport, host, _ := strings.Cut(address, "://")
	var lines atomic.Int64
	failed := make(chan error, 1)
	switch transport {
	case "tcp":
		l, err := net.Listen("tcp", host)
		if err != nil {
			return err
		}
		go func() { failed <- bareTCP(l, &lines) }()
	default:
		a, err := net.ResolveUDPAddr("udp4", host)
		if err != nil {
			return err
		}
		c, err := net.ListenUDP("udp4", a)
		if err != nil {
			return err
		}
		_ = c.SetReadBuffer(8 << 20)
		go func() { failed <- bareUDP(c, &lines) }()
	}
	for {
		if err := os.WriteFile("count.new", strconv.AppendInt(nil, lines.Load(), 10), 0o644); err != nil {
			return err
		}
		if err := os.Rename("count.new", "count"); err != nil {
			return err
		}
		select {
		case err := <-failed:
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func bareTCP(l net.Listener, lines *atomic.Int64) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		buf := make([]byte, 256<<10)
		for have := 0; err == nil; {
			var n int
			n, err = c.Read(buf[have:])
			b, seen := buf[:have+n], int64(0)
			for i := bytes.IndexByte(b, '\n'); i >= 0; i = bytes.IndexByte(b, '\n') {
				b = b[i+1:]
				seen++
			}
			lines.Add(seen)
			have = copy(buf, b)
		}
		if err != io.EOF {
			return err
		}
	}
}

func bareUDP(c *net.UDPConn, lines *atomic.Int64) error {
	messages := make([]ipv4.Message, 128)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	pc := ipv4.NewPacketConn(c)
	for {
		n, err := pc.ReadBatch(messages, 0)
		if err != nil {
			return err
		}
		lines.Add(int64(n))
	}
}
