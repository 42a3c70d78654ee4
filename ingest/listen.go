package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// ReceiveBuffer is what is asked of the kernel for a UDP socket, in bytes: with it a receiver may be kept from the processor for 130 ms
// while 400,000 messages a second come in. Only what waits takes memory.
const ReceiveBuffer = 32 << 20

// ListenOptions are the settings of all receivers.
type ListenOptions struct {
	Addresses     []string       // udp://:514, tcp://:601, tls://:6514?cert=FILE&key=FILE&client_ca=FILE
	Allow         []netip.Prefix // senders allowed; empty allows all
	MaxConns      int            // open TCP connections in total (default 2,000)
	MaxPerSender  int            // open TCP connections of one address (default 200)
	Idle          time.Duration  // a connection silent for so long is closed (default a week): what a sender writes first after that is lost
	ReceiveBuffer int            // bytes asked of the kernel for each UDP socket (default ReceiveBuffer)
	Receiver      []string       // command that runs datagram.Child, which receives for UDP
	Log           *slog.Logger
	Metrics       *Metrics
	Now           func() time.Time
}

// Listeners are bound sockets; Run serves them.
type Listeners struct {
	options ListenOptions
	intake  *Intake
	doers   []Doer
	addrs   []net.Addr
	conns   *connLimits
}

// Listen binds every address, so that a taken port is an error here and now.
func Listen(ctx context.Context, in *Intake, o ListenOptions) (*Listeners, error) {
	o = o.withDefaults()
	l := &Listeners{options: o, intake: in, conns: newConnLimits(o.MaxConns, o.MaxPerSender)}
	for _, a := range o.Addresses {
		if err := l.bind(ctx, a); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (o ListenOptions) withDefaults() ListenOptions {
	if o.MaxConns <= 0 {
		o.MaxConns = 2000
	}
	if o.MaxPerSender <= 0 {
		o.MaxPerSender = 200
	}
	if o.Idle <= 0 {
		o.Idle = 7 * 24 * time.Hour
	}
	if o.ReceiveBuffer <= 0 {
		o.ReceiveBuffer = ReceiveBuffer
	}
	return o
}

func (l *Listeners) bind(ctx context.Context, address string) error {
	u, config, err := parseAddress(address, l.options.Log)
	switch {
	case err != nil:
		return err
	case u.Scheme == "udp":
		return l.bindUDP(ctx, u.Host)
	}
	return l.bindTCP(ctx, u.Host, u.Scheme, config)
}

// CheckAddress says what is wrong with an address of a receiver, or with the certificates that it names; nothing is bound.
func CheckAddress(address string) error {
	_, _, err := parseAddress(address, slog.New(slog.DiscardHandler))
	return err
}

// parseAddress reads the address of a receiver; config is nil unless it is one of TLS.
func parseAddress(address string, log *slog.Logger) (u *url.URL, config *tls.Config, err error) {
	u, err = url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, nil, fmt.Errorf("syslog address %q: write it as udp://:514, tcp://:601 or tls://:6514?cert=FILE&key=FILE", address)
	}
	_, badPort := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case u.Scheme != "udp" && u.Scheme != "tcp" && u.Scheme != "tls":
		err = fmt.Errorf("%q is not udp, tcp or tls", u.Scheme)
	case badPort != nil:
		err = fmt.Errorf("it needs a port from 1 to 65535, as in %s://%s:514", u.Scheme, u.Hostname())
	default:
		err = knownParameters(u)
	}
	if err == nil && u.Scheme == "tls" {
		config, err = serverTLS(u.Query(), log)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("syslog address %q: %w", address, err)
	}
	return u, config, nil
}

// knownParameters refuses parameters that do not exist: a client_ca that is misspelt would let everybody in.
func knownParameters(u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return err
	}
	known := []string{"cert", "key", "client_ca", "client_name"}
	for name := range q {
		if u.Scheme != "tls" || !slices.Contains(known, name) {
			return fmt.Errorf("there is no parameter %q; tls has %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// bindError turns the kernel's word into a sentence that says what to do.
func bindError(network, host string, err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "address already in use"):
		return fmt.Errorf("%s %s is taken by another program: stop it or choose another port with --syslog", network, host)
	case strings.Contains(text, "permission denied"):
		return fmt.Errorf("%s %s needs a privilege: run with CAP_NET_BIND_SERVICE, or listen on a port above 1023 and redirect", network, host)
	}
	return fmt.Errorf("listen on %s %s: %w", network, host, err)
}

// Addrs gives the bound addresses in the order of the options; the network of each is udp, tcp or tls.
func (l *Listeners) Addrs() []net.Addr { return l.addrs }

// Run serves until ctx ends, once. Then the sockets are closed and what was read from them is in the intake.
func (l *Listeners) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, d := range l.doers {
		g.Go(func() error { return d.Run(ctx) })
	}
	return g.Wait()
}

// Close gives back sockets that were bound and never run.
func (l *Listeners) Close() {
	for _, d := range l.doers {
		if c, ok := d.(interface{ Close() error }); ok {
			_ = c.Close()
		}
	}
}

// allowed says whether a sender may speak to us.
func (l *Listeners) allowed(a netip.Addr) bool {
	if len(l.options.Allow) == 0 {
		return true
	}
	for _, p := range l.options.Allow {
		if p.Contains(a) {
			return true
		}
	}
	l.options.Metrics.Refused.WithLabelValues("sender_not_allowed").Inc()
	return false
}

// serverTLS reads cert, key and client_ca, and client_name, which may come several times. The files are read again for each handshake
// after they changed, so that renewed certificates are used without dropping a connection. TLS 1.2 is the least.
func serverTLS(q url.Values, log *slog.Logger) (*tls.Config, error) {
	certFile, keyFile, caFile, names := q.Get("cert"), q.Get("key"), q.Get("client_ca"), q["client_name"]
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("tls needs cert=FILE and key=FILE")
	}
	if len(names) > 0 && caFile == "" {
		return nil, fmt.Errorf("client_name=NAME needs client_ca=FILE")
	}
	load := func() (*tls.Config, error) { return loadTLS(certFile, keyFile, caFile, names) }
	newest, err := NewLatest(log, load, certFile, keyFile, caFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return newest.Get(), nil },
	}, nil
}

func loadTLS(certFile, keyFile, caFile string, names []string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read client CA: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client CA %s holds no certificate in PEM form", caFile)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	if len(names) > 0 {
		c.VerifyConnection = func(s tls.ConnectionState) error { return allowedName(s.PeerCertificates[0], names) }
	}
	return c, nil
}
