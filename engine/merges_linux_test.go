package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMergesYield: the threads that merge give way to all others, and those that answer do not.
func TestMergesYield(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	exec(t, connect(t, e.Options("")), "CREATE DATABASE flaps")
	exec(t, connect(t, e.Options("flaps")), events)
	eventually(t, "merges give way", func() bool {
		merging, others := niceness(t, e.PID())
		for _, nice := range others {
			if nice >= 15 {
				t.Fatalf("a thread that answers has niceness %d", nice)
			}
		}
		for _, nice := range merging {
			if nice != 15 {
				return false
			}
		}
		return len(merging) > 0
	})
}

// TestMergesHaveHalf: the threads that merge are half as many as there are processors, and one at least.
func TestMergesHaveHalf(t *testing.T) {
	e := start(t, options(t, t.TempDir()))
	exec(t, connect(t, e.Options("")), "CREATE DATABASE flaps")
	exec(t, connect(t, e.Options("flaps")), events)
	want := max(1, runtime.GOMAXPROCS(0)/2)
	eventually(t, fmt.Sprintf("%d threads merge", want), func() bool {
		merging, _ := niceness(t, e.PID())
		return len(merging) == want
	})
}

// niceness of the threads of a process: of those that merge and of the others.
func niceness(t *testing.T, pid int) (merging, others []int) {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		tid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		comm, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		left, err := unix.Getpriority(unix.PRIO_PROCESS, tid) // the system call gives 20 - nice
		switch {
		case err != nil:
		case strings.TrimSpace(string(comm)) == "MergeMutate":
			merging = append(merging, 20-left)
		default:
			others = append(others, 20-left)
		}
	}
	return merging, others
}
