package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/goleak"

	"flapwatch/engine"
	"flapwatch/internal/clickhousetest"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// options are those of an engine in dir that nobody else uses.
func options(t testing.TB, dir string) engine.Options {
	return engine.Options{Dir: dir, Library: clickhousetest.Library(t), Command: clickhousetest.Command(t), Memory: 2 << 30, Log: quiet()}
}

func start(t testing.TB, opts engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, e) })
	return e
}

func stop(t testing.TB, e *engine.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// alive says whether there is such a process, a zombie aside.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func signal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	e := start(t, options(t, dir))
	pid := e.PID()
	if !alive(pid) || e.Ready() != nil {
		t.Fatalf("pid %d, ready: %v", pid, e.Ready())
	}
	stop(t, e)
	if alive(pid) || e.PID() != 0 {
		t.Errorf("process %d outlives Stop", pid)
	}
	if err := e.Ready(); err == nil || err.Error() != "the embedded engine is stopped" {
		t.Errorf("ready: %v", err)
	}
	if _, err := e.DialContext(t.Context(), "", ""); err == nil {
		t.Error("a stopped engine is reached")
	}
	stop(t, start(t, options(t, dir)))
}

// The data, and the tokens of what was inserted, are there after the child was killed, without anybody's help.
func TestKilledChildComesBack(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	exec(t, connect(t, e.Options("")), "CREATE DATABASE flaps")
	conn := connect(t, e.Options("flaps"))
	exec(t, conn, events)
	if err := fill(t.Context(), conn, 0, 1000); err != nil {
		t.Fatal(err)
	}
	pid := e.PID()
	signal(t, pid, syscall.SIGKILL)
	eventually(t, "Ready says so", func() bool {
		why := e.Ready()
		return why != nil && strings.Contains(why.Error(), "has ended (signal: killed) and is being started again")
	})
	eventually(t, "it is ready again", func() bool { return e.Ready() == nil })
	if e.PID() == pid || e.Restarts() != 1 {
		t.Errorf("pid %d after %d, %d restarts", e.PID(), pid, e.Restarts())
	}
	for n := range 2 {
		if err := fill(t.Context(), conn, n, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[uint64](t, conn, "SELECT count() FROM events"); n != 2000 {
		t.Errorf("%d rows", n)
	}
}

func TestCrashIsToldInOneLine(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	signal(t, e.PID(), syscall.SIGSEGV)
	eventually(t, "Ready says so", func() bool {
		why := e.Ready()
		return why != nil && why.Error() == "the embedded engine has ended (it crashed: SIGSEGV: segmentation violation) and is being started again"
	})
	eventually(t, "it is ready again", func() bool { return e.Ready() == nil })
}

func TestKilledWhileInserting(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	conn := connect(t, e.Options("default"))
	exec(t, conn, events)
	const batches, rows = 40, 5000
	retries := 0
	for n := range batches {
		if n%10 == 5 {
			signal(t, e.PID(), syscall.SIGKILL)
		}
		for fill(t.Context(), conn, n, rows) != nil {
			retries++
			eventually(t, "it is ready again", func() bool { return e.Ready() == nil && alive(e.PID()) })
		}
	}
	if n := one[uint64](t, conn, "SELECT count() FROM events"); n != batches*rows || retries == 0 {
		t.Errorf("%d rows after %d retries", n, retries)
	}
}

func TestHungChildIsNotReady(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	pid := e.PID()
	signal(t, pid, syscall.SIGSTOP)
	eventually(t, "Ready says so", func() bool {
		why := e.Ready()
		return why != nil && why.Error() == "the embedded engine does not answer: nothing within 2s"
	})
	signal(t, pid, syscall.SIGCONT)
	eventually(t, "it is ready again", func() bool { return e.Ready() == nil })
	if e.PID() != pid || e.Restarts() != 0 {
		t.Errorf("it was started again, %d times", e.Restarts())
	}
}

// A child that hangs is killed when Stop has no more time.
func TestStopKillsHungChild(t *testing.T) {
	e, err := engine.Start(t.Context(), options(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	pid := e.PID()
	signal(t, pid, syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := e.Stop(ctx); err == nil || alive(pid) {
		t.Errorf("%v, alive: %v", err, alive(pid))
	}
}

func TestTerminationIsTheParentsBusiness(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	conn := connect(t, e.Options("default"))
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		signal(t, e.PID(), sig)
		exec(t, conn, "SELECT 1")
	}
	if e.Restarts() != 0 {
		t.Errorf("%d restarts", e.Restarts())
	}
}

func TestOneProcessForAFolder(t *testing.T) {
	dir := t.TempDir()
	start(t, options(t, dir))
	begun := time.Now()
	_, err := engine.Start(t.Context(), options(t, dir))
	if want := "the engine's folder " + dir + " is in use by another flapwatch: stop that one, or choose another folder"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

// parentEnv makes TestMain's process a parent that only starts an engine in the folder it names.
const parentEnv = "ENGINE_TEST_PARENT"

func TestParent(t *testing.T) {
	dir := os.Getenv(parentEnv)
	if dir == "" {
		t.Skip("only as a process of TestKilledParentTakesChildAlong")
	}
	e := start(t, options(t, dir))
	fmt.Printf("child %d\n", e.PID())
	io.Copy(io.Discard, os.Stdin)
}

func TestKilledParentTakesChildAlong(t *testing.T) {
	dir := t.TempDir()
	self := clickhousetest.Command(t)[0]
	parent := osexec.Command(self, "-test.run=^TestParent$", "-test.v")
	parent.Env = append(os.Environ(), parentEnv+"="+dir)
	hold, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	said, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	clickhousetest.Library(t)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	for lines := bufio.NewScanner(said); child == 0 && lines.Scan(); {
		if pid, found := strings.CutPrefix(lines.Text(), "child "); found {
			child, _ = strconv.Atoi(pid)
		}
	}
	if child == 0 {
		t.Fatal("the parent started no engine")
	}
	parent.Process.Kill()
	parent.Wait()
	e := start(t, options(t, dir)) // at once: it waits for the child that is on its way out
	if e.PID() == child {
		t.Error("the new engine has the old child")
	}
	eventually(t, "the child of a killed parent is gone", func() bool { return !alive(child) })
}

// TestWaitsForTheLibrary: a process that ends may let go of its own lock before ClickHouse's in the same folder.
func TestWaitsForTheLibrary(t *testing.T) {
	dir := t.TempDir()
	stop(t, start(t, options(t, dir)))
	status, err := os.OpenFile(filepath.Join(dir, "data", "status"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	if err := syscall.Flock(int(status.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	opts := options(t, dir)
	ended := make(chan error, 1)
	var e *engine.Engine
	go func() {
		var err error
		e, err = engine.Start(t.Context(), opts)
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Errorf("it did not wait: %v", err)
	case <-time.After(time.Second): // more than a start takes
		if err := syscall.Flock(int(status.Fd()), syscall.LOCK_UN); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if e != nil {
		stop(t, e)
	}
}

func TestFolderTooDeepForASocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 40))
	conn := connect(t, start(t, options(t, dir)).Options("default"))
	exec(t, conn, "SELECT 1")
}

func TestListenForASecondReceiver(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := options(t, t.TempDir())
	opts.Listen = free.Addr().String()
	free.Close()
	start(t, opts)
	second, err := clickhouse.ParseDSN("http://" + opts.Listen + "/default")
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, second)
	exec(t, conn, events)
	if err := fill(t.Context(), conn, 0, 10); err != nil {
		t.Error(err)
	}
}

func TestStartThatCannotWork(t *testing.T) {
	cut := cutLibrary(t)
	blocked := t.TempDir()
	if err := os.WriteFile(filepath.Join(blocked, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*engine.Options)
		says   string
	}{
		{"open address", func(o *engine.Options) { o.Listen = "0.0.0.0:8123" }, `listens on a loopback host:port only, not on "0.0.0.0:8123"`},
		{"no port", func(o *engine.Options) { o.Listen = "localhost" }, `not on "localhost"`},
		{"cut library", func(o *engine.Options) { o.Library = cut }, `flapwatch engine fetch`},
		{"no library", func(o *engine.Options) { o.Library = "/nonexistent" }, `flapwatch engine fetch`},
		{"another library", func(o *engine.Options) { o.Library = systemLibrary(t) }, `the engine library cannot be loaded`},
		{"no command", func(o *engine.Options) { o.Command = []string{"/nonexistent"} }, `starting the engine process`},
		{"silent command", func(o *engine.Options) { o.Command = []string{"false"} }, `the embedded engine did not start: exit status 1`},
		{"a file for a folder", func(o *engine.Options) { o.Dir = blocked }, `the embedded engine did not start: opening ` + blocked},
	} {
		opts := options(t, t.TempDir())
		c.change(&opts)
		e, err := engine.Start(t.Context(), opts)
		if err == nil {
			stop(t, e)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A result far larger than the memory it may take goes through block by block.
func TestLargeAnswerTakesLittleMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc")
	}
	e := start(t, options(t, t.TempDir()))
	client := newRaw(t, e.Options("default"))
	before := peak(t, e.PID())
	size := client.copy(t, "SELECT number, repeat('x', 100) FROM numbers(10000000)", io.Discard)
	after := peak(t, e.PID())
	if size < 1e9 || after-before > 200<<10 {
		t.Errorf("%d bytes, peak %d kB after %d kB", size, after, before)
	}
}

// A statement that wants more memory than there is gets an error; the engine goes on.
func TestMemoryIsBounded(t *testing.T) {
	opts := options(t, t.TempDir())
	opts.Memory = 512 << 20
	e := start(t, opts)
	conn := connect(t, e.Options("default"))
	if err := conn.Exec(t.Context(), "SELECT groupArray(number) FROM numbers(200000000)"); code(err) != 241 {
		t.Errorf("got %v, want code 241", err)
	}
	exec(t, conn, "SELECT 1")
	if e.Restarts() != 0 {
		t.Errorf("%d restarts", e.Restarts())
	}
}

// peak is the most memory that a process had resident, in kB.
func peak(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB int
	if _, err := fmt.Sscanf(rest, "%d kB", &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}

func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		e, err := engine.Start(b.Context(), options(b, dir))
		if err != nil {
			b.Fatal(err)
		}
		stop(b, e)
	}
}
