package ingest

import (
	"crypto/tls"
	"os"
	"strconv"
	"strings"
	"sync"
)

// reloader hands out the newest TLS settings whose files could be read.
type reloader struct {
	files []string
	load  func() (*tls.Config, error)

	mu      sync.Mutex
	stamp   string
	current *tls.Config
}

// config is a tls.Config.GetConfigForClient. Files that changed and cannot be read leave the settings as they were.
func (r *reloader) config(*tls.ClientHelloInfo) (*tls.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.stamps(); s != r.stamp {
		if c, err := r.load(); err == nil {
			r.current, r.stamp = c, s
		}
	}
	return r.current, nil
}

// stamps describes the state of the files: time of change and size of each.
func (r *reloader) stamps() string {
	var b strings.Builder
	for _, f := range r.files {
		if info, err := os.Stat(f); err == nil {
			b.WriteString(info.ModTime().String() + " " + strconv.FormatInt(info.Size(), 10) + ";")
		}
	}
	return b.String()
}
