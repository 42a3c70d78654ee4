package datagram

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// eagerness is how far the process goes before all others (sched(7)). It needs CAP_SYS_NICE or RLIMIT_NICE.
const eagerness = -15

const (
	stdin     = 0
	firstFile = 3 // and then socket, memory and pipe of each queue
)

// Child is the whole life of the process: it receives until stdin ends, which it does when the program wants it to or is no more.
// Interrupt and termination signals are the program's business and are ignored.
func Child(args []string) error {
	if len(args) != 1 {
		return errors.New("started by flapwatch only")
	}
	queues, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	ended := make(chan error)
	program := os.Getppid()
	for i := range queues {
		go func() { ended <- receive(firstFile+3*i, program) }()
	}
	for range queues {
		err = errors.Join(err, <-ended)
	}
	return err
}

// inlet is one socket and what is put into its ring.
type inlet struct {
	*ring
	*reader
	socket, tell int
	program      int    // the process that takes
	at           uint64 // where the next datagram goes
}

// receive reads the socket whose files begin at a descriptor, until stdin has ended and the socket is empty.
func receive(file, program int) error {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, eagerness) // refused: it runs as all do
	r, err := newRing(file + 1)
	if err != nil {
		return fmt.Errorf("memory for datagrams: %w", err)
	}
	in := &inlet{ring: r, reader: newReader(), socket: file, tell: file + 2, program: program, at: r.put.Load()}
	if err := unix.SetNonblock(in.tell, true); err != nil {
		return err
	}
	in.word() // one that ended before may not have come to it
	for over := false; ; {
		n, err := in.read(in.socket)
		switch {
		case err == nil:
			if !in.pass(n) {
				return nil
			}
		case err != unix.EAGAIN:
			return fmt.Errorf("read the socket: %w", err)
		case over:
			return nil
		default:
			over = await(in.socket)
		}
	}
}

// pass puts the n datagrams that were read. While the ring is full it waits, and the socket holds what comes in; it gives up when the
// program that takes is no more.
func (in *inlet) pass(n int) bool {
	now := time.Now().UnixNano()
	for i := range n {
		peer, data := in.get(i)
		for {
			next, ok := in.add(in.at, now, peer, data)
			if in.at = next; ok {
				break
			}
			in.publish()
			if os.Getppid() != in.program {
				return false
			}
			time.Sleep(time.Millisecond)
		}
	}
	in.publish()
	return true
}

// publish shows what was put.
func (in *inlet) publish() {
	in.put.Store(in.at)
	if in.waiting.Swap(0) == 1 {
		in.word()
	}
}

// word wakes the one who takes. A pipe that is full has words in it.
func (in *inlet) word() { _, _ = unix.Write(in.tell, []byte{0}) }

// await waits for something in the socket, and says whether stdin has ended.
func await(socket int) (over bool) {
	files := []unix.PollFd{{Fd: stdin, Events: unix.POLLIN}, {Fd: int32(socket), Events: unix.POLLIN}}
	_, _ = unix.Poll(files, -1)
	return files[0].Revents != 0
}
