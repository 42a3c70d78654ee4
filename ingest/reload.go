package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
)

// reloader hands out the newest TLS settings whose files could be read.
type reloader struct {
	files []string
	load  func() (*tls.Config, error)
	log   *slog.Logger

	mu      sync.Mutex
	stamp   string // of the files in use
	failed  string // of files that could not be read, as was said
	current *tls.Config
}

// config is a tls.Config.GetConfigForClient. Files that changed and cannot be read leave the settings as they were.
func (r *reloader) config(*tls.ClientHelloInfo) (*tls.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.stamps(); s != r.stamp {
		c, err := r.load()
		switch {
		case err == nil:
			r.current, r.stamp = c, s
		case s != r.failed:
			r.failed = s
			r.log.Error("certificates changed and cannot be used; the old ones stay", "error", err)
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

// errName says that a certificate is good and that its owner is none of those who may send.
var errName = errors.New("certificate has none of the allowed names")

// allowedName compares the names of a certificate, its common name among them, with those that may send.
func allowedName(cert *x509.Certificate, names []string) error {
	for _, n := range names {
		if cert.Subject.CommonName == n || cert.VerifyHostname(n) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s", errName, cert.Subject)
}

// handshakeReason is the label under which a refused handshake is counted.
func handshakeReason(err error) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.Is(err, errName):
		return "tls_client_name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "tls_client_expired"
	case errors.As(err, &unknown):
		return "tls_client_authority"
	case strings.Contains(err.Error(), "didn't provide a certificate"): // crypto/tls has no type for it
		return "tls_client_certificate_missing"
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return "tls_timeout"
	}
	return "tls_handshake"
}
