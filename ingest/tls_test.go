package ingest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flapwatch/spool"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	template := template("authority", time.Hour)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func template(name string, valid time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for a name.
func (a *authority) issue(name string, valid time.Duration) tls.Certificate {
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template(name, valid), a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// save writes certificate and key as the files cert.pem and key.pem of a folder.
func save(t *testing.T, dir string, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	savePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", key)
	savePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", c.Certificate[0])
}

func savePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// secure is a reception over TLS that asks clients for certificates of ours, under one of two names.
func secure(t *testing.T) (r *reception, ours *authority, dir string) {
	return secureWith(t, nil)
}

// secureWith has a log.
func secureWith(t *testing.T, log *slog.Logger) (r *reception, ours *authority, dir string) {
	ours, dir = newAuthority(t), t.TempDir()
	save(t, dir, ours.issue("receiver.example.net", time.Hour))
	savePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", ours.cert.Raw)
	address := "tls://127.0.0.1:0?cert=" + dir + "/cert.pem&key=" + dir + "/key.pem&client_ca=" + dir + "/ca.pem&client_name=ucm-01&client_name=ucm-02"
	return bind(t, spool.Options{}, ListenOptions{Addresses: []string{address}, Log: log}).run(), ours, dir
}

// dialTLS connects and sends a line; whether it is refused shows when it reads.
func dialTLS(r *reception, roots *x509.CertPool, own ...tls.Certificate) (*tls.Conn, error) {
	c, err := tls.Dial("tcp", r.address(0), &tls.Config{RootCAs: roots, ServerName: "receiver.example.net", Certificates: own})
	if err == nil {
		r.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func TestTLS(t *testing.T) {
	r, ours, _ := secure(t)
	c, err := dialTLS(r, ours.pool, ours.issue("ucm-02", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, one+"\n"+counted(two))
	r.want("127.0.0.1 "+one, "127.0.0.1 "+two)
	if network := r.listeners.Addrs()[0].Network(); network != "tls" {
		t.Errorf("tls is told as %s", network)
	}
	if n := r.count("received_messages_total", "tls"); n != 2 {
		t.Errorf("%v messages counted", n)
	}
}

func TestTLSRefuses(t *testing.T) {
	r, ours, _ := secure(t)
	f := func(reason string, own ...tls.Certificate) {
		t.Helper()
		if c, err := dialTLS(r, ours.pool, own...); err == nil {
			ended(t, c) // TLS 1.3: the client is done before the server has looked
		}
		r.eventually("refused_total", reason, 1)
	}
	f("tls_client_certificate_missing")
	f("tls_client_expired", ours.issue("ucm-01", -time.Hour))
	f("tls_client_name", ours.issue("ucm-99", time.Hour))
	f("tls_client_authority", newAuthority(t).issue("ucm-01", time.Hour))
	write(t, dial(t, "tcp", r.address(0)), one+"\n") // no TLS at all
	r.eventually("refused_total", "tls_handshake", 1)
	if n := r.count("received_messages_total", ""); n != 0 {
		t.Errorf("%v messages received", n)
	}
	r.eventually("connections", "", 0)
	t.Logf("none, expired, wrong name, wrong authority, no TLS: %v refused, each counted with its reason; messages taken 0", r.count("refused_total", ""))
}

// TestTLSReload renews the receiver's certificate: old connections go on, new ones see it. Files that are broken change nothing.
func TestTLSReload(t *testing.T) {
	var log logged
	r, ours, dir := secureWith(t, slog.New(slog.NewTextHandler(&log, nil)))
	own := ours.issue("ucm-01", time.Hour)
	old, err := dialTLS(r, ours.pool, own)
	if err != nil {
		t.Fatal(err)
	}
	write(t, old, one+"\n")
	r.want("127.0.0.1 " + one)

	next := newAuthority(t)
	save(t, dir, next.issue("receiver.example.net", time.Hour))
	fresh, err := dialTLS(r, next.pool, own)
	if err != nil {
		t.Fatalf("after the renewal: %v", err)
	}
	write(t, fresh, two+"\n")
	r.want("127.0.0.1 " + two)
	write(t, old, two+"\n")
	r.want("127.0.0.1 " + two)

	const complaint = "files changed and cannot be used; what was read before stays"
	if log.times(complaint) != 0 {
		t.Errorf("a good renewal is complained of:\n%s", &log)
	}
	savePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", []byte("broken"))
	for range 3 {
		again, err := dialTLS(r, next.pool, own)
		if err != nil {
			t.Fatalf("with a broken file: %v", err)
		}
		write(t, again, one+"\n")
		r.want("127.0.0.1 " + one)
	}
	if n := log.times(complaint); n != 1 {
		t.Errorf("three handshakes with a broken file: the log says so %d times, want once:\n%s", n, &log)
	}

	last := newAuthority(t)
	save(t, dir, last.issue("receiver.example.net", time.Hour))
	if _, err := dialTLS(r, last.pool, own); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	write(t, old, one+"\n")
	r.want("127.0.0.1 " + one)
	if err := os.Remove(filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := dialTLS(r, last.pool, own); err != nil || log.times(complaint) != 2 {
		t.Errorf("without the key: %v; complaints:\n%s", err, &log)
	}
}

// logged is a log that a test reads while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) times(text string) int { return strings.Count(l.String(), text) }
