package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"
)

// subject is a program under test.
type subject interface {
	name() string
	// begin starts it in an empty folder, listening on 127.0.0.1 at a port of its choice.
	begin(dir, transport string) (running, error)
}

// running is a started program.
type running interface {
	address() string
	pid() int
	done() (messages int, err error) // how many messages it has finished
	end()
}

// result is one run.
type result struct {
	program, transport string
	rate               int // offered, for UDP
	sent, kept         int
	took               time.Duration // from the first message to the last finished
	behind             time.Duration // from the last sent to the last finished
	sender             time.Duration // CPU of the one who sends
	cpu                time.Duration
	engine             time.Duration // CPU of the database beside it
	peak               int
	counted            int // messages that the program itself says it has lost; -1: it says nothing
}

func (r result) perMessage() float64          { return r.each(r.cpu) }
func (r result) perEngine() float64           { return r.each(r.engine) }
func (r result) perSender() float64           { return r.each(r.sender) }
func (r result) each(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(max(1, r.kept)) }
func (r result) perSecond() float64           { return float64(r.kept) / r.took.Seconds() }
func (r result) loss() float64                { return 100 * float64(r.sent-r.kept) / float64(r.sent) }

func (r result) String() string {
	return fmt.Sprintf("%-22s %s %6d  %8.0f msg/s  %6.2f µs  engine %5.2f µs  sender %.2f µs  behind %.1f s  peak %4d MiB  lost %.2f %% (%d of %d; counted %d)", r.program, r.transport, r.rate,
		r.perSecond(), r.perMessage(), r.perEngine(), r.perSender(), r.behind.Seconds(), r.peak>>20, r.loss(), r.sent-r.kept, r.sent, r.counted)
}

func overTCP(ctx context.Context, o options, s subject) (result, error) {
	return measure(ctx, o, s, "tcp", 0, func(address string) (int, error) { return o.messages, sendTCP(address, o.messages, o.pace) })
}

func overUDP(ctx context.Context, o options, s subject, rate int) (result, error) {
	return measure(ctx, o, s, "udp", rate, func(address string) (int, error) {
		return sendUDP(ctx, address, rate, time.Duration(o.seconds)*time.Second)
	})
}

// measure starts a program, sends, waits until all is done or nothing moves any more, and reads its meters.
func measure(ctx context.Context, o options, s subject, transport string, rate int, send func(string) (int, error)) (result, error) {
	dir, err := os.MkdirTemp(o.keep, "fwb")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	p, err := s.begin(dir, transport)
	if err != nil {
		return result{}, err
	}
	defer p.end()
	before, engine, err := usedBy(p.pid())
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	r := result{program: s.name(), transport: transport, rate: rate, counted: -1}
	own, err := used(os.Getpid())
	if err != nil {
		return r, err
	}
	if r.sent, err = send(p.address()); err != nil {
		return r, err
	}
	sent, err := used(os.Getpid())
	if err != nil {
		return r, err
	}
	ended, last := time.Now(), began
	if r.kept, last, err = settle(ctx, p, r.sent); err != nil {
		return r, err
	}
	after, atEnd, err := usedBy(p.pid())
	r.took, r.cpu, r.peak = last.Sub(began), after.cpu-before.cpu, after.peak
	r.behind, r.sender = last.Sub(ended), sent.cpu-own.cpu
	r.engine = atEnd - engine
	if counts, ok := p.(interface{ dropped() (int, error) }); ok && err == nil {
		r.counted, err = counts.dropped()
	}
	if held, ok := p.(interface{ flushed() (int, error) }); ok && err == nil && r.kept < r.sent {
		r.kept, err = held.flushed()
	}
	return r, err
}

// settle waits until the program has finished all messages, or no more of them for some seconds: the rest is lost.
func settle(ctx context.Context, p running, sent int) (kept int, last time.Time, err error) {
	const patience, between = 5 * time.Second, 200 * time.Millisecond // to ask costs the program some work
	last = time.Now()
	for ctx.Err() == nil {
		n, err := p.done()
		if err != nil {
			return kept, last, err
		}
		if n > kept {
			kept, last = n, time.Now()
		}
		if kept >= sent || time.Since(last) > patience {
			return kept, last, nil
		}
		time.Sleep(between)
	}
	return kept, last, ctx.Err()
}

// await waits until something listens.
func await(address string) error {
	for range 400 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		time.Sleep(25 * time.Millisecond)
	}
	return fmt.Errorf("nothing listens on %s", address)
}

// freePort asks the kernel for a port that nobody uses.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
