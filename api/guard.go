package api

import (
	"context"
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// longestURL bounds what a request may ask, in bytes; the server bounds all headers together.
const longestURL = 16 << 10

// well refuses requests that no client of ours makes, notes when the request came, and lets the router see the path as it was
// sent: a name may hold an escaped slash.
func (s *server) well(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > longestURL {
			problem(w, http.StatusRequestURITooLong, "the address is too long")
			return
		}
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			problem(w, http.StatusUnprocessableEntity, "validation failed", &huma.ErrorDetail{Location: "query", Message: "not percent-encoded as it should be"})
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), clockKey{}, s.Now()))
		escaped := *r.URL
		escaped.RawPath = r.URL.EscapedPath() // always, so that a name is unescaped exactly once
		r.URL = &escaped
		next.ServeHTTP(w, r)
	})
}

// tokens asks for a token, or for the cookie that one was exchanged for, and lets those pass whose role is enough.
func (s *server) tokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		need := needs(r.Method, r.URL.Path)
		role, known := s.who(r)
		switch {
		case need == Open || (known && role.allows(need)):
			next.ServeHTTP(w, r)
		case known:
			problem(w, http.StatusForbidden, "the role "+string(role)+" is not enough here: "+string(need)+" is needed")
		case !s.limit.spend(client(r), wrongTokenCost, askedAt(r.Context())):
			slowDown(w)
		case isPage(r.URL.Path) && r.Method == http.MethodGet && wantsPage(r):
			s.askToken(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="flapwatch"`)
			problem(w, http.StatusUnauthorized, "a token is needed: Authorization: Bearer …; flapwatch token new makes one")
		}
	})
}

// who finds the role of a request. A cookie counts only for requests of our own pages: a browser adds it to those of others.
func (s *server) who(r *http.Request) (Role, bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false
		}
		return s.Tokens().role(sha256.Sum256([]byte(strings.TrimSpace(token))))
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil || foreign(r) {
		return "", false
	}
	token, ok := s.sessions.token(c.Value, askedAt(r.Context()))
	if !ok {
		return "", false
	}
	return s.Tokens().role(token)
}

// local refuses what a foreign page could make a browser send: on loopback without a token, Host and Origin must be local.
func (s *server) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			problem(w, http.StatusForbidden, "Host is not a loopback name; without a token flapwatch answers to localhost only")
			return
		}
		if foreign(r) {
			problem(w, http.StatusForbidden, "requests of other sites are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopback says whether a Host header names this machine only.
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// foreign says whether a page of another site made the browser send the request.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

// client names who sent a request, for limits: the address, of IPv6 the network that one customer gets.
func client(r *http.Request) string {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := a.Addr().Unmap()
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.String()
	}
	return ip.String()
}
