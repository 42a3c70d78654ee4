package ingest

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// eagerness is how far those in front of the spool go before all others, as the processes that receive datagrams do: nobody waits who
// sends these. It needs CAP_SYS_NICE or RLIMIT_NICE.
const eagerness = -10

// goFirst makes the calling goroutine one that goes first. It has a thread of its own from then on, which ends with it.
func goFirst() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, eagerness) // refused: it runs as all do
}

// niceness is how far those behind the spool stand back for the receivers where there is not enough processor for both (sched(7)).
const niceness = 5

// standBack makes the calling goroutine one that stands back. It has a thread of its own from then on, which ends with it.
func standBack() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // refused: it runs as all do
}
