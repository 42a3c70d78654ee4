package engine

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mergeThread is what ClickHouse calls the threads that merge parts (proc_pid_comm(5)).
const mergeThread = "MergeMutate"

// yieldMerges lets all others go before the threads that merge parts (sched(7)): merges make later questions cheaper, and can wait
// while messages cannot. Beside work that never pauses they still have a tenth of a processor or so. ClickHouse starts these threads
// with its first table and keeps them; yieldMerges waits for that.
func yieldMerges(ctx context.Context) {
	for yield() == 0 {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// yield says how many threads it has found.
func yield() (found int) {
	const low = 15
	names, _ := filepath.Glob("/proc/self/task/*/comm")
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err != nil || strings.TrimSpace(string(comm)) != mergeThread {
			continue
		}
		if tid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, low) // refused: they run as the others do
			found++
		}
	}
	return found
}
