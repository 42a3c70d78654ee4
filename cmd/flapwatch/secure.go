package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"

	"flapwatch/api"
	"flapwatch/ingest"
)

// tokens gives the tokens of --http-token-file, or nil where there is none.
func (c *serveCmd) tokens(log *slog.Logger) (func() *api.Tokens, error) {
	if c.HTTPTokenFile == "" {
		return nil, nil
	}
	l, err := ingest.NewLatest(log, func() (*api.Tokens, error) { return readTokens(c.HTTPTokenFile) }, c.HTTPTokenFile)
	if err != nil {
		return nil, usageError{err}
	}
	return l.Get, nil
}

func readTokens(path string) (*api.Tokens, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--http-token-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	t, err := api.ParseTokens(f)
	if err != nil {
		return nil, fmt.Errorf("--http-token-file %s: %w", path, err)
	}
	return t, nil
}

// webTLS puts TLS on the HTTP socket where --http-tls names a certificate.
func (c *serveCmd) webTLS(l net.Listener, log *slog.Logger) (net.Listener, error) {
	if len(c.HTTPTLS) == 0 {
		return l, nil
	}
	read, err := c.certificate(log)
	if err != nil {
		return l, err
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read(), nil },
	}), nil
}

func (c *serveCmd) certificate(log *slog.Logger) (func() *tls.Certificate, error) {
	if len(c.HTTPTLS) != 2 {
		return nil, usageError{errors.New("--http-tls: name two files, as in --http-tls cert.pem,key.pem")}
	}
	l, err := ingest.NewLatest(log, func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.HTTPTLS[0], c.HTTPTLS[1])
		return &pair, err
	}, c.HTTPTLS...)
	if err != nil {
		return nil, usageError{fmt.Errorf("--http-tls: %w", err)}
	}
	return l.Get, nil
}

// scheme is how the page is reached.
func (c *serveCmd) scheme() string {
	if len(c.HTTPTLS) > 0 {
		return "https"
	}
	return "http"
}

// doorClosed says whether only this machine can reach HTTP, tokens are asked for, or somebody has said that neither is needed.
func (c *serveCmd) doorClosed() error {
	host, port, err := net.SplitHostPort(c.HTTP)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return usageError{fmt.Errorf("--http %q: write it as 127.0.0.1:8080", c.HTTP)}
	}
	if c.local(host) || c.HTTPTokenFile != "" || c.HTTPInsecure {
		return nil
	}
	return usageError{fmt.Errorf("--http %s is open to the network: listen on 127.0.0.1, ask for tokens with --http-token-file "+
		"(flapwatch token new --role read makes one), or say --http-insecure if the network in front of it is trusted", c.HTTP)}
}

func (c *serveCmd) local(host string) bool {
	a, err := netip.ParseAddr(host)
	return (err == nil && a.IsLoopback()) || host == "localhost"
}
