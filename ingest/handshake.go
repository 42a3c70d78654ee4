package ingest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

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
