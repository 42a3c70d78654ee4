package api

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"
)

// problem answers with an RFC 9457 document outside the described operations.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}

// fail is the one place that turns an error into an answer: strangers see a phrase, the log sees the cause.
func (s *server) fail(what string, err error) error {
	var status huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return err
	case errors.Is(err, event.ErrCursor):
		return bad("query.cursor", "this cursor was not given by an earlier answer", nil)
	case errors.Is(err, event.ErrNotFound):
		return huma.Error404NotFound(what + ": not known")
	case errors.Is(err, event.ErrUnavailable):
		s.Log.Warn("store not available", "while", what, "error", err)
		return huma.Error503ServiceUnavailable("the store is not available at the moment; messages are kept meanwhile. /readyz says more")
	case errors.Is(err, event.ErrTooMuch):
		return huma.Error422UnprocessableEntity("the question takes too long or too much memory: ask for a shorter window or a device")
	}
	s.Log.Error("answer", "while", what, "error", err)
	return huma.Error500InternalServerError(what + " went wrong; the log of the service has the cause")
}

// local refuses what a foreign page could make a browser send: on loopback without a token, Host and Origin must be local.
func (s *server) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			problem(w, http.StatusForbidden, "Host is not a loopback name; without a token flapwatch answers to localhost only")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			u, err := url.Parse(origin)
			if err != nil || u.Host != r.Host {
				problem(w, http.StatusForbidden, "requests of other sites are refused")
				return
			}
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

// headers sets what every answer carries.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recover answers 500 where a handler panics, and keeps the service up.
func (s *server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				s.Log.Error("handler panicked", "path", r.URL.Path, "panic", v)
				problem(w, http.StatusInternalServerError, "the answer went wrong; the log of the service has the cause")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// log notes each request that failed or was slow.
func (s *server) log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(seen, r)
		if took := time.Since(began); (seen.Status() >= 500 && r.URL.Path != "/readyz") || took > 5*time.Second {
			s.Log.Warn("request", "method", r.Method, "path", r.URL.Path, "status", seen.Status(), "took", took.String())
		}
	})
}
