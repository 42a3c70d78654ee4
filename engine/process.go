package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// process is one run of the child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer // its end is the child's
	said  *lastLine
	gone  chan struct{} // closed when the process has ended
	err   error         // how it ended; to be read after gone
}

// spawn starts the child. It is in a process group of its own: an interrupt from the terminal is for the parent. Its clock
// is UTC, and so are times without a zone in its tables, wherever the machine stands.
func spawn(command, args []string, log *slog.Logger) (*process, error) {
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], args...)...)
	p := &process{cmd: cmd, said: &lastLine{log: log}, gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), "TZ=UTC")
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	if err := startNicely(cmd); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.gone)
	}()
	return p, nil
}

// niceness is how far the child stands back for the receiver where there is not enough processor for both (sched(7)).
const niceness = 5

// startNicely starts a process with niceness. It inherits that of the thread which starts it, and as a thread may not take its own
// back, that one ends with its goroutine.
func startNicely(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // refused: the child runs as we do
		started <- cmd.Start()
	}()
	return <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) kill() { p.cmd.Process.Kill() }

// end tells the process to end, and kills it when it has not done so within the time.
func (p *process) end(within time.Duration) (killed bool) {
	p.stdin.Close()
	select {
	case <-p.gone:
		return false
	case <-time.After(within):
		p.kill()
		<-p.gone
		return true
	}
}

// crashStatus is how Go ends a process after a signal such as SIGSEGV or a panic.
const crashStatus = 2

var errCrashed = errors.New("it crashed")

// ending says how the process ended: by a signal, or with an error, which is the last line it said.
func (p *process) ending() error {
	var exit *exec.ExitError
	switch line := p.said.last(); {
	case p.err == nil:
		return errors.New("it ended by itself")
	case errors.As(p.err, &exit) && exit.ExitCode() == crashStatus:
		return fmt.Errorf("%w: %s", errCrashed, line)
	case errors.As(p.err, &exit) && exit.Exited() && line != "":
		return errors.New(line)
	}
	return p.err
}

// maxLine is where a line of the child's output is cut, in bytes.
const maxLine = 4 << 10

var (
	// crashLine begins the hundred lines in which Go tells of a crash.
	crashLine = regexp.MustCompile(`^(SIG[A-Z]+|panic|fatal error): `)
	// stackLine is one of those in which the library tells where it was.
	stackLine = regexp.MustCompile(`^[0-9]+\. .* @ 0x`)
)

// lastLine logs what the child says, line by line, and keeps the last line, or the one that tells of a crash.
type lastLine struct {
	log *slog.Logger

	mu      sync.Mutex
	partial []byte
	line    string
	crashed bool
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := len(p)
	for len(p) > 0 {
		text, rest, ended := bytes.Cut(p, []byte("\n"))
		l.partial = append(l.partial, text[:min(len(text), maxLine-len(l.partial))]...)
		if ended {
			l.end()
		}
		p = rest
	}
	return size, nil
}

// threadEnd is what the library says, as a fatal error, when a thread of its pool outlives the statement it served. Nothing follows
// from it.
const threadEnd = "<Fatal> ThreadStatus: current_thread contains invalid address"

func (l *lastLine) end() {
	text := string(bytes.TrimSpace(l.partial))
	l.partial = l.partial[:0]
	switch {
	case text == "":
	case l.crashed, stackLine.MatchString(text), strings.HasSuffix(text, threadEnd):
		l.log.Debug("engine says", "line", text)
	default:
		l.line, l.crashed = text, crashLine.MatchString(text)
		l.log.Warn("engine says", "line", text)
	}
}

func (l *lastLine) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
