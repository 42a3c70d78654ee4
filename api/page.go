package api

import (
	"embed"
	"html/template"
	"net/http"
)

//go:embed page
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page/*.html"))

// page is the plain front page: what the service is doing, where to go on, how to point CUCM at it.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	stats, err := s.Service.Stats(r.Context())
	s.show(w, http.StatusOK, "front.html", map[string]any{
		"Stats": stats, "StatsFailed": err != nil, "Troubles": s.Service.Ready(r.Context()), "Syslog": s.Service.Syslog(), "Version": s.Version,
	})
}

// docs lists the operations of the OpenAPI document in a form for people.
func (s *server) docs(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "docs.html", operations(s.spec))
}

// style serves the style sheet of the pages.
func (s *server) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeFileFS(w, r, files, "page/style.css")
}

func (s *server) show(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		s.Log.Error("show page", "page", name, "error", err)
	}
}
