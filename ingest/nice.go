package ingest

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// niceness is how far those behind the spool stand back for the receivers where there is not enough processor for both (sched(7)).
const niceness = 5

// standBack makes the calling goroutine one that stands back. It has a thread of its own from then on, which ends with it.
func standBack() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // refused: it runs as all do
}
