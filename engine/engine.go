// Package engine is the ClickHouse that needs no server: the real engine as a library, libchdb, in a child process of
// this program. The child serves ClickHouse's HTTP interface on a unix socket, so that the same client, clickhouse-go,
// speaks to it and to a server alike; it may crash, hang or be killed without taking its parent along, and is started
// again. The package knows nothing of tables or SQL beyond what the interface asks for.
//
// Start is the way in for the parent, Child for the child process, Fetch and Locate for the library.
//
//	clickhouse-go ══ unix socket ══▶ [handler] ─▶ [chdb] ─▶ libchdb ─▶ folder
//	      ▲               ▲          └───────── child process ─────┘
//	   Options       DialContext
//	             Start, supervise ── stdin ──▶ the child's life
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Options are the settings of Start.
type Options struct {
	Dir     string   // where everything of the engine lies; made if missing
	Library string   // path of libchdb, see Locate
	Command []string // argv that runs Child with the arguments that Start adds
	Memory  uint64   // bytes that the engine may use; 0 for half of what the machine has
	Listen  string   // loopback host:port to answer on besides the unix socket; empty for none
	Log     *slog.Logger
}

// Engine is a supervised child process.
type Engine struct {
	options Options
	task    task
	held    *os.File // the lock on the folder
	temp    string   // folder of the socket when Dir is too deep for one
	log     *slog.Logger
	client  *http.Client // for the question how the child is

	stop  context.CancelFunc
	ended chan struct{} // closed when the child is gone for good

	mu       sync.Mutex
	process  *process
	why      error // of not being ready; nil when ready
	restarts int
}

// Start locks the folder, starts the child, and returns when it answers. It is an error, in one sentence, when another
// process has the folder, or when the library cannot be used. A folder that a dying child still holds is waited for, at
// most ten seconds. From then on the child is started again whenever it ends, until Stop.
func Start(ctx context.Context, options Options) (*Engine, error) {
	e := &Engine{options: options, log: options.Log, ended: make(chan struct{})}
	e.client = &http.Client{Transport: &http.Transport{DialContext: e.dial, DisableKeepAlives: true}}
	if err := e.prepare(); err != nil {
		e.release()
		return nil, err
	}
	child, err := e.launch(ctx)
	if errors.Is(err, errCrashed) {
		err = fmt.Errorf("%w: if the library may be damaged, %s", err, remedy)
	}
	if err != nil {
		e.release()
		return nil, err
	}
	life, stop := context.WithCancel(context.Background())
	e.stop = stop
	go e.supervise(life, child)
	return e, nil
}

// prepare checks the options, takes the folder and finds a place for the socket.
func (e *Engine) prepare() error {
	if host, _, err := net.SplitHostPort(e.options.Listen); e.options.Listen != "" && (err != nil || !loopback(host)) {
		return fmt.Errorf("the embedded engine has no passwords and listens on a loopback host:port only, not on %q", e.options.Listen)
	}
	if err := whole(e.options.Library); err != nil {
		return fmt.Errorf("the engine library cannot be used (%w): %s", err, remedy)
	}
	dir, err := filepath.Abs(e.options.Dir)
	if err != nil {
		return fmt.Errorf("finding the engine's folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the engine's folder: %w", err)
	}
	e.held, err = lock(filepath.Join(dir, "parent.lock"))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("the engine's folder %s is in use by another flapwatch: stop that one, or choose another folder", dir)
	}
	if err != nil {
		return err
	}
	socket, err := e.socketIn(dir)
	e.task = task{dir: dir, library: e.options.Library, socket: socket, listen: e.options.Listen, memory: e.options.Memory}
	return err
}

// maxSocketPath fits the shortest sun_path, that of macOS.
const maxSocketPath = 103

func (e *Engine) socketIn(dir string) (string, error) {
	const name = "http.sock"
	if path := filepath.Join(dir, name); len(path) <= maxSocketPath {
		return path, nil
	}
	temp, err := os.MkdirTemp("", "flapwatch-")
	if err != nil {
		return "", fmt.Errorf("making a folder for the engine's socket: %w", err)
	}
	e.temp = temp
	return filepath.Join(temp, name), nil
}

// release undoes prepare.
func (e *Engine) release() {
	if e.temp != "" {
		os.RemoveAll(e.temp)
	}
	if e.held != nil {
		e.held.Close()
	}
}

// Options are what clickhouse.Open needs to speak to the engine. Nothing is compressed on the way: it is one machine.
func (e *Engine) Options(database string) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:     clickhouse.HTTP,
		Addr:         []string{"localhost:8123"}, // only a name; see DialContext
		Auth:         clickhouse.Auth{Database: database},
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionNone},
		MaxOpenConns: maxStatements / 2,
		MaxIdleConns: maxStatements / 4,
		DialContext: func(ctx context.Context, addr string) (net.Conn, error) {
			return e.DialContext(ctx, "tcp", addr)
		},
	}
}

// DialContext connects to the child, whatever the network and the address. When that fails, the error says why the
// engine is not ready.
func (e *Engine) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := e.dial(ctx, network, addr)
	if why := e.Ready(); err != nil && why != nil {
		return nil, fmt.Errorf("%w: %w", why, err)
	}
	return conn, err
}

func (e *Engine) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", e.task.socket)
}

// Ready is nil when the engine answered lately, else the sentence why it cannot be used.
func (e *Engine) Ready() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.why
}

// Restarts is how often the child was started again.
func (e *Engine) Restarts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.restarts
}

// PID is the process id of the child, 0 when there is none.
func (e *Engine) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process == nil {
		return 0
	}
	return e.process.pid()
}

// Stop ends the child: it finishes what is running, closes the folder and goes. One that has not gone when ctx ends is
// killed, which loses nothing that was committed. Stop may be called more than once.
func (e *Engine) Stop(ctx context.Context) error {
	e.stop()
	select {
	case <-e.ended:
		return nil
	case <-ctx.Done():
	}
	e.kill()
	<-e.ended
	return fmt.Errorf("the engine had to be killed: %w", ctx.Err())
}

func (e *Engine) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process != nil {
		e.process.kill()
	}
}
