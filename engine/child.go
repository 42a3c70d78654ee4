package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sys/unix"
)

const (
	dyingWait = 10 * time.Second // for an earlier child to let go of the folder
	lastWait  = 5 * time.Second  // for running statements, when it is time to end
	killWait  = 2 * time.Second  // for those that were then told to stop
	maxConns  = 256              // on each listener
)

// task is what Start asks of a child. It travels as command-line arguments.
type task struct {
	dir, library, socket, listen string
	memory                       uint64
	token                        string // of this one run
}

func (t *task) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("engine-child", flag.ContinueOnError)
	flags.StringVar(&t.dir, "dir", "", "folder of the engine")
	flags.StringVar(&t.library, "library", "", "path of libchdb")
	flags.StringVar(&t.socket, "socket", "", "path of the unix socket to answer on")
	flags.StringVar(&t.listen, "listen", "", "host:port to answer on as well")
	flags.StringVar(&t.token, "token", "", "answer to GET /ping")
	flags.Uint64Var(&t.memory, "memory", 0, "bytes the engine may use; 0 for half of the machine's")
	return flags
}

func (t *task) args() []string {
	return []string{"-dir", t.dir, "-library", t.library, "-socket", t.socket, "-listen", t.listen, "-token", t.token, "-memory", fmt.Sprint(t.memory)}
}

// Child is the whole life of the child process: it loads the library, opens the folder, and answers until stdin ends,
// which it does when the parent wants it to or is no more. The caller ends the process after that, with the error, if
// any, as its last line on stderr. Interrupt and termination signals are the parent's business and are ignored.
func Child(ctx context.Context, args []string, stdin io.Reader, stderr io.Writer) error {
	var t task
	flags := t.flags()
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		return err
	}
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		io.Copy(io.Discard, stdin)
		end()
	}()
	return t.run(ctx, stderr)
}

func (t *task) run(ctx context.Context, stderr io.Writer) error {
	held, err := t.takeFolder(ctx)
	if err != nil {
		return err
	}
	defer held.Close()
	config, err := configure(t.dir, t.memory)
	if err != nil {
		return err
	}
	lib, err := load(t.library, "--path="+filepath.Join(t.dir, "data"), "--config-file="+config,
		"--log-level=error", "--logger.console", // what goes wrong is told on stderr
		"--async_insert=0", // an INSERT is answered when it is stored
	)
	if err != nil {
		return err
	}
	keeper, err := lib.open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", t.dir, err)
	}
	defer lib.shutdown()
	defer keeper.close()
	go yieldMerges(ctx)
	return t.serve(ctx, lib, stderr)
}

// takeFolder waits for an earlier child, whose parent may have been killed, to let go.
func (t *task) takeFolder(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, dyingWait)
	defer cancel()
	held, err := waitLock(ctx, filepath.Join(t.dir, "child.lock"))
	if err == nil {
		err = t.waitLibrary(ctx)
	}
	if errors.Is(err, errLocked) {
		err = fmt.Errorf("an earlier engine process still holds %s", t.dir)
	}
	if err != nil && held != nil {
		held.Close()
		held = nil
	}
	return held, err
}

// waitLibrary waits for the lock that ClickHouse itself has on its folder: a process that ends lets go of it after child.lock.
func (t *task) waitLibrary(ctx context.Context) error {
	status := filepath.Join(t.dir, "data", "status")
	if _, err := os.Stat(status); err != nil {
		return nil // nothing to wait for; the library says what is wrong with its folder
	}
	held, err := waitLock(ctx, status)
	if err != nil {
		return err
	}
	return held.Close()
}

// serve answers on the listeners until ctx ends, then gives running statements a last while.
func (t *task) serve(ctx context.Context, lib *library, stderr io.Writer) error {
	h, err := newHandler(lib, t.token)
	if err != nil {
		return err
	}
	listeners, err := t.listeners()
	if err != nil {
		return err
	}
	statements, kill := context.WithCancel(context.Background())
	defer kill()
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return statements },
		ErrorLog:          log.New(stderr, "", 0),
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(patientListener{netutil.LimitListener(l, maxConns)}) }()
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	if shutdown(server, lastWait) != nil {
		kill()
		shutdown(server, killWait)
	}
	return err
}

// shutdown waits so long for running statements.
func shutdown(server *http.Server, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return server.Shutdown(ctx)
}

func (t *task) listeners() ([]net.Listener, error) {
	os.Remove(t.socket) // of an earlier child; the lock says that there is none now
	unixSocket, err := net.Listen("unix", t.socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(t.socket, 0o600); err != nil {
		return nil, err
	}
	if t.listen == "" {
		return []net.Listener{unixSocket}, nil
	}
	tcp, err := net.Listen("tcp", t.listen)
	if err != nil {
		return nil, err
	}
	return []net.Listener{unixSocket, tcp}, nil
}
