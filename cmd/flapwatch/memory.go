package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much memory the program takes beyond what is in use. The embedded engine is a process of its own.
const (
	mostMemory = 832 << 20 // bytes, before garbage is collected more eagerly
	smallHeap  = 192 << 20 // bytes in use, up to which that costs next to nothing
)

// thrifty keeps garbage few, unless the environment tells how much there may be (GOGC, GOMEMLIMIT).
func thrifty() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mostMemory)
	}
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := garbage(0)
	debug.SetGCPercent(percent)
	eachCollection(func(inUse uint64) {
		if want := garbage(inUse); want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
	})
}

// garbage is how much there may be, in per cent of the bytes in use. The batches on their way to the store are most of a small heap: they
// are used again and again and hold no pointers, so that little garbage is made, and what is in use is soon gone through. A large heap is
// the events of a large fleet being judged, of which the opposite is true.
func garbage(inUse uint64) (percent int) {
	if inUse <= smallHeap {
		return 50
	}
	return 100
}

// eachCollection calls f after each collection with the bytes that were found in use.
func eachCollection(f func(inUse uint64)) {
	runtime.AddCleanup(new(*byte), func(f func(uint64)) {
		inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(inUse)
		f(inUse[0].Value.Uint64())
		eachCollection(f)
	}, f)
}
