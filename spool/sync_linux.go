package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync makes the bytes of f and its size durable, and leaves out the times.
func fdatasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// startWriting lets the disk begin to write a part of f, and does not wait for it. It promises nothing: fdatasync does.
func startWriting(f *os.File, off int64, n int) {
	_ = unix.SyncFileRange(int(f.Fd()), off, int64(n), unix.SYNC_FILE_RANGE_WRITE)
}
