// Package smalldisk gives tests a disk that is soon full: a tmpfs, which takes root to mount. Without that a test is skipped with
// the reason.
package smalldisk

import (
	"syscall"
	"testing"
)

// Mount mounts a tmpfs of some bytes, such as "64m", at dir, until the test ends.
func Mount(t testing.TB, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk cannot be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}
