package ingest

import (
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Latest hands out what files hold, and reads them again when they have changed. Files that changed and cannot be read leave everything
// as it was; the log says so once. It may be used from several goroutines.
type Latest[T any] struct {
	files []string
	read  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	stamp  string // of the files in use
	failed string // of files that could not be read, as was said
	value  T
}

// NewLatest reads the files for the first time. Names that are empty stand for no file.
func NewLatest[T any](log *slog.Logger, read func() (T, error), files ...string) (*Latest[T], error) {
	l := &Latest[T]{files: files, read: read, log: log}
	l.stamp = l.stamps()
	var err error
	l.value, err = read()
	return l, err
}

// Get gives the newest that could be read.
func (l *Latest[T]) Get() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.stamps(); s != l.stamp {
		v, err := l.read()
		switch {
		case err == nil:
			l.value, l.stamp = v, s
			l.log.Info("files read again", "files", l.files)
		case s != l.failed:
			l.failed = s
			l.log.Error("files changed and cannot be used; what was read before stays", "files", l.files, "error", err)
		}
	}
	return l.value
}

// stamps describes the state of the files: time of change and size of each.
func (l *Latest[T]) stamps() string {
	var b strings.Builder
	for _, f := range l.files {
		if info, err := os.Stat(f); err == nil {
			b.WriteString(info.ModTime().String() + " " + strconv.FormatInt(info.Size(), 10) + ";")
		}
	}
	return b.String()
}
