package watch

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// standBack lets everybody else go first where there is not enough processor for all, until the goroutine ends: as a thread may not
// take its niceness back, it ends then as well (sched(7)).
func standBack() {
	const niceness = 10
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // of this thread; refused: it runs as the others do
}
