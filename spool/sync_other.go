//go:build !linux

package spool

import "os"

// fdatasync makes the bytes of f durable.
func fdatasync(f *os.File) error { return f.Sync() }
