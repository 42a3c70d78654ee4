package spool

import (
	"os"
	"syscall"
)

// fdatasync makes the bytes of f and its size durable, and leaves out the times.
func fdatasync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
