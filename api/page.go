package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"flapwatch/report"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page
var files embed.FS

//go:embed page/style.css
var style string

var pages = template.Must(template.New("").Funcs(report.Words()).Funcs(template.FuncMap{
	"large": func(n uint64) string { return report.Grouped(int(n)) },
	"style": func() template.CSS { return template.CSS(style) },
	"asset": asset, "key": key, "seconds": seconds,
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

// asset is the address of a file that belongs to the pages; another content has another address, so that a browser never shows a page with
// the style of the version before.
func asset(name string) (string, error) {
	text, err := files.ReadFile("page/" + name)
	sum := sha256.Sum256(text)
	return "/" + name + "?v=" + hex.EncodeToString(sum[:6]), err
}

// frontWait is how long the front page waits for its picture.
const frontWait = 2 * time.Second

// page tells what the service is doing, and where to go from here.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	stats, err := s.Service.Stats(r.Context())
	v, _ := s.viewOf(r)
	v.from, v.to = "-7d", "" // what its links and its search ask for
	day := *v
	day.from, day.Window.To = "-24h", askedAt(r.Context()).UTC()
	day.Window.From = day.Window.To.Add(-defaultSpan)
	ctx, cancel := context.WithTimeout(r.Context(), frontWait)
	defer cancel()
	losses := s.lossesIn(ctx, &day)
	if losses.Trouble != "" {
		losses.Trouble = "the picture could not be made in time; the page of the devices that drop waits longer for it"
	}
	s.begin(w, "front.html", map[string]any{
		"View": v, "Losses": losses, "Stats": stats, "StatsFailed": err != nil, "Troubles": s.Service.Ready(r.Context()), "Syslog": s.Service.Syslog(),
		"Week": v.Week(), "LastWeek": report.LastWeek(v.Window.To).String(), "At": v.Window.To.Format("15:04:05"),
	})
}

// isPage says whether a path is one of the pages for people that ask for a token where none is given.
func isPage(path string) bool {
	return path == "/" || path == "/devices" || path == "/outages" || path == "/senders" || strings.HasPrefix(path, "/devices/")
}

// wantsPage says whether a request comes from a browser.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// askToken shows the form that takes a token, and leads from there to where the request wanted to go.
func (s *server) askToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", loginPolicy)
	s.show(w, http.StatusUnauthorized, "login.html", r.URL.RequestURI())
}

// message is a page that has nothing to show, and says why and where to go.
type message struct {
	*view
	Title string
	Words []string
	Links []choice
}

func (s *server) showMessage(w http.ResponseWriter, status int, m message) {
	w.Header().Set("Content-Security-Policy", frontPolicy)
	s.show(w, status, "message.html", m)
}

// refusePage says what is wrong with the address of a page.
func (s *server) refusePage(w http.ResponseWriter, r *http.Request, v *view, wrong ...string) {
	if !wantsPage(r) {
		problem(w, http.StatusUnprocessableEntity, strings.Join(wrong, "; "))
		return
	}
	s.showMessage(w, http.StatusUnprocessableEntity, message{
		view: v, Title: "This cannot be shown", Words: wrong, Links: []choice{{Words: "The same page for the last 24 hours", Address: v.path}},
	})
}

// failPage says that the answer could not be made, and what to try.
func (s *server) failPage(w http.ResponseWriter, r *http.Request, v *view, err error) {
	status := http.StatusInternalServerError
	if known := huma.StatusError(nil); errors.As(err, &known) {
		status = known.GetStatus()
	}
	if !wantsPage(r) {
		problem(w, status, phrase(err))
		return
	}
	m := message{view: v, Title: "This cannot be shown at the moment", Words: []string{phrase(err)}}
	if status == http.StatusUnprocessableEntity {
		m.Links = append(m.Links, choice{Words: "The last hour", Address: v.again("-1h", "")})
	}
	m.Links = append(m.Links, choice{Words: "Try again", Address: v.again(v.from, v.to)}, choice{Words: "How the service is", Address: "/"})
	s.showMessage(w, status, m)
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

// begin shows a page, or its beginning where end follows: what is known at once stands there while the rest is worked out.
func (s *server) begin(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Security-Policy", frontPolicy)
	s.show(w, http.StatusOK, name, data)
	_ = http.NewResponseController(w).Flush() // a recorder has none
}

// goOn shows another part of a page while the rest is worked out.
func (s *server) goOn(w http.ResponseWriter, name string, data any) {
	s.write(w, name, data)
	_ = http.NewResponseController(w).Flush()
}

// end shows the rest of a page.
func (s *server) end(w http.ResponseWriter, name string, data any) { s.write(w, name, data) }

func (s *server) show(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	s.write(w, name, data)
}

// write renders a template. What a reader would obey instead of read, in names and lines that came from anybody, does not get through.
func (s *server) write(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		s.Log.Error("show page", "page", name, "error", err)
		b.WriteString("<p>The page could not be made; the log of the service has the cause.</p>")
	}
	_, _ = w.Write([]byte(report.Plain(b.String())))
}
