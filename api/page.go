package api

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"flapwatch/report"
)

//go:embed page
var files embed.FS

//go:embed page/style.css
var style string

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"grouped": func(n uint64) string { return report.Grouped(int(n)) },
	"style":   func() template.CSS { return template.CSS(style) },
}).ParseFS(files, "page/*.html"))

// Policies of pages that load more, or less, than an answer may (headers): the front page runs one script of ours that asks us, and
// the page that asks for a token carries its style, because nothing else is given out without one.
var (
	frontPolicy = policy + "; script-src 'self'; connect-src 'self'"
	loginPolicy = "default-src 'none'; style-src 'sha256-" + hash(style) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page tells what the service is doing, and where to go from here.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	stats, err := s.Service.Stats(r.Context())
	now := s.Now().UTC()
	w.Header().Set("Content-Security-Policy", frontPolicy)
	s.show(w, http.StatusOK, "front.html", map[string]any{
		"Stats": stats, "StatsFailed": err != nil, "Troubles": s.Service.Ready(r.Context()), "Syslog": s.Service.Syslog(), "Version": s.Version,
		"Week": report.WeekOf(now).String(), "LastWeek": report.LastWeek(now).String(), "At": now.Format("15:04:05"),
	})
}

// askToken shows the form that takes a token.
func (s *server) askToken(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", loginPolicy)
	s.show(w, http.StatusUnauthorized, "login.html", nil)
}

// docs lists the operations of the OpenAPI document in a form for people.
func (s *server) docs(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "docs.html", operations(s.spec))
}

// file serves a file that belongs to the pages.
func (s *server) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		http.ServeFileFS(w, r, files, "page/"+name)
	}
}

func (s *server) show(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		s.Log.Error("show page", "page", name, "error", err)
	}
}
