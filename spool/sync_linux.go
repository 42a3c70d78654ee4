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
