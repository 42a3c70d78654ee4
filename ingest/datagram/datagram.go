// Package datagram receives UDP datagrams in a process of its own. What a socket can hold is a matter of milliseconds, and a program
// that has much else to do, whose runtime shares out its turns and stops all of it now and then, comes back to the socket too late. The
// process does nothing but read sockets into memory that it shares with the program, goes before all others where the kernel allows it,
// and lives as long as Run does.
package datagram

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// MaxSize is what a datagram can hold, in bytes. None is longer.
const MaxSize = 64 << 10

const (
	endWithin = 5 * time.Second // once it is told to end; then the process is killed
	oneStart  = time.Second     // a process that does not live is started no more often
	maxWords  = 4 << 10         // bytes that are kept of what it says
)

// Datagram is one that was received.
type Datagram struct {
	Received int64      // when it was read, in nanoseconds since 1970
	Peer     netip.Addr // who sent it
	Data     []byte
}

// Receiver is the process, or the next one if that one has ended.
type Receiver struct {
	command []string
	conns   []*net.UDPConn
	queues  []*Queue
	log     *slog.Logger
}

// New makes a receiver for bound sockets. The command runs Child, with one more argument. Run it, and take from all queues until they end.
func New(command []string, conns []*net.UDPConn, log *slog.Logger) (*Receiver, error) {
	r := &Receiver{command: command, conns: conns, log: log}
	for range conns {
		q, err := newQueue()
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("memory for datagrams: %w", err)
		}
		r.queues = append(r.queues, q)
	}
	return r, nil
}

// Queue gives what comes in on the n-th socket.
func (r *Receiver) Queue(n int) *Queue { return r.queues[n] }

// Close gives back what was made and never run.
func (r *Receiver) Close() {
	for _, q := range r.queues {
		q.end()
		_ = q.Close()
	}
}

// Run receives until ctx ends, once. What the sockets hold then is received, and the queues end behind it. A process that ends before is
// started again; the sockets hold what comes in meanwhile. It is an error if none can be started at first.
func (r *Receiver) Run(ctx context.Context) error {
	defer func() {
		for _, q := range r.queues {
			q.end()
		}
	}()
	for first := true; ; first = false {
		begun := time.Now()
		p, err := r.start()
		switch {
		case err == nil:
			err = p.live(ctx)
		case first:
			return fmt.Errorf("start the process that receives datagrams: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		r.log.Error("process that receives datagrams ended and is started again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(oneStart - time.Since(begun)):
		}
	}
}

// words are the first that a process says.
type words []byte

func (w *words) Write(p []byte) (int, error) {
	*w = append(*w, p[:min(len(p), maxWords-len(*w))]...)
	return len(p), nil
}

// process is one run of Child.
type process struct {
	command *exec.Cmd
	stdin   io.Closer // its end is the child's
	said    words
}

// start starts the child in a process group of its own: an interrupt from the terminal is for the program.
func (r *Receiver) start() (*process, error) {
	p := &process{command: exec.Command(r.command[0], append(r.command[1:len(r.command):len(r.command)], strconv.Itoa(len(r.conns)))...)}
	p.command.Stdout, p.command.Stderr = &p.said, &p.said
	p.command.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	p.command.WaitDelay = time.Second
	var err error
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	for i, c := range r.conns {
		socket, err := c.File()
		if err != nil {
			return nil, err
		}
		defer socket.Close()
		p.command.ExtraFiles = append(p.command.ExtraFiles, socket, r.queues[i].memory, r.queues[i].tell)
	}
	return p, p.command.Start()
}

// live waits until the process ends, tells it to when ctx ends, and says why it did.
func (p *process) live(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { p.stdin.Close() })()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(endWithin, func() { p.command.Process.Kill() }) })()
	err := p.command.Wait()
	if len(p.said) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(p.said))
	}
	return err
}
