package main

import (
	"runtime"
	"testing"
	"time"
)

// What is in use is told after each collection, not only after the first.
func TestEachCollection(t *testing.T) {
	held := make([]byte, 64<<20)
	runtime.GC()
	told := make(chan uint64)
	done := make(chan struct{})
	defer close(done)
	eachCollection(func(inUse uint64) {
		select {
		case told <- inUse:
		case <-done:
		}
	})
	for times := 0; times < 3; {
		runtime.GC() // of which the last may have come before there was somebody to tell
		select {
		case inUse := <-told:
			times++
			if inUse < uint64(len(held)) {
				t.Errorf("%d bytes in use, but %d are held", inUse, len(held))
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	runtime.KeepAlive(held)
}
