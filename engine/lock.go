package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked says that another process, or another part of this one, holds the lock.
var errLocked = errors.New("locked")

// lockEvery is how often a lock that is waited for is tried.
const lockEvery = 50 * time.Millisecond

// lock takes the advisory lock on the file at path, which it makes if need be. The lock ends with Close, and with the
// process, however that ends.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: %w", path, errLocked)
	}
	return nil, fmt.Errorf("locking %s: %w", path, err)
}

// waitLock is lock that waits until ctx ends.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := lock(path)
		if !errors.Is(err, errLocked) {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(lockEvery):
		}
	}
}
