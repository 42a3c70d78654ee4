package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"
)

// problem answers with an RFC 9457 document outside the described operations.
func problem(w http.ResponseWriter, status int, detail string, errs ...*huma.ErrorDetail) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail, Errors: errs})
}

// fail is the one place that turns an error into an answer: strangers see a phrase, the log sees the cause.
func (s *server) fail(what string, err error) error {
	var status huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return err
	case errors.Is(err, context.Canceled): // the client has left
		return huma.Error503ServiceUnavailable("the question was given up")
	case errors.Is(err, event.ErrCursor):
		return bad("query.cursor", "this was not given by an earlier answer", nil)
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

// policy lets answers load our style, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// headers sets what every answer carries.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// readPatience is how long a client may take to read a piece of an answer.
const readPatience = 2 * time.Minute

// patient lets clients go that do not read their answer.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&patientWriter{w, http.NewResponseController(w)}, r)
	})
}

type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(readPatience)) // a recorder has none
	return p.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (p *patientWriter) Flush() { _ = p.control.Flush() }

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
		if took := time.Since(began); (seen.Status() >= 500 && r.URL.Path != "/readyz") || (took > 5*time.Second && !strings.HasSuffix(r.URL.Path, "/tail")) {
			s.Log.Warn("request", "method", r.Method, "path", r.URL.Path, "status", seen.Status(), "took", took.String())
		}
	})
}
