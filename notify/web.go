package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// Poster posts to addresses that people wrote into settings, and reaches nothing else: a name is resolved, the address is checked,
// and that address is dialled. It follows no redirect and takes no proxy from the environment.
type Poster struct {
	client *http.Client
}

const (
	postPatience = 10 * time.Second // for the whole request
	mostAnswer   = 16 << 10         // of an answer that is read
)

// NewPoster makes a Poster. allow are networks that may be reached although they are not public.
func NewPoster(allow []netip.Prefix) *Poster {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", errForbidden, address)
		}
		return permitted(to.Addr(), allow)
	}}
	return &Poster{&http.Client{
		Timeout: postPatience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: mostAnswer,
			MaxIdleConns: 4, IdleConnTimeout: time.Minute, DisableCompression: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var errForbidden = errors.New("this address is not public; --alert-allow lets alerts go to a network")

// special are the networks that are not reachable from everywhere (IANA special-purpose registries, RFC 6890), or that carry
// another address inside (NAT64, 6to4, Teredo).
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// permitted says whether a may be dialled.
func permitted(a netip.Addr, allow []netip.Prefix) error {
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(special, within) && !slices.ContainsFunc(allow, within) {
		return fmt.Errorf("%s: %w", a, errForbidden)
	}
	return nil
}

// CheckURL says what is wrong with the address of a receiver. The error never holds the address: it may be the secret.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("write it as https://host/path")
	}
	return nil
}

// post sends a JSON text. Any answer of 2xx is taken as "received".
func (p *Poster) post(ctx context.Context, to string, body []byte, header http.Header) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return &failure{reason: "address", final: true, err: errors.New("the address is not a URL")}
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "flapwatch")
	response, err := p.client.Do(request)
	if err != nil {
		return unsent(err)
	}
	defer func() { _ = response.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(response.Body, 200)) // what is longer is not waited for
	switch code := response.StatusCode; {
	case code/100 == 2:
		return nil
	case code/100 == 3:
		return &failure{reason: "redirect", err: fmt.Errorf("answered %d; redirects are not followed", code)}
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		return &failure{reason: "refused", final: true, err: fmt.Errorf("refused the message: %d %q", code, said)}
	default:
		return &failure{reason: fmt.Sprintf("status_%dxx", code/100), err: fmt.Errorf("answered %d %q", code, said)}
	}
}

// failure is why a notice was not taken. One that is final is not tried again.
type failure struct {
	reason string // for the counters: few different ones
	final  bool
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// unsent leaves the address out of the error: its path may be the secret.
func unsent(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var network net.Error
	switch {
	case errors.Is(err, errForbidden):
		return &failure{reason: "forbidden_address", err: err}
	case errors.As(err, &network) && network.Timeout():
		return &failure{reason: "too_slow", err: err}
	}
	return &failure{reason: "unreachable", err: err}
}
