package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	sessionCookie = "flapwatch"
	sessionLength = 12 * time.Hour
	mostSessions  = 1000
)

// sessions are people who have exchanged a token for a cookie. They last until the service ends, and no longer than their token.
type sessions struct {
	mu    sync.Mutex
	known map[digest]session // by the digest of the cookie's value
}

type session struct {
	token digest
	until time.Time
}

// open begins a session and gives the value of its cookie. Where there are too many, the one that ends first goes.
func (s *sessions) open(token digest, now time.Time) string {
	value := rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[digest]session{}
	}
	var first digest
	for d, x := range s.known {
		if now.After(x.until) {
			delete(s.known, d)
		} else if f, ok := s.known[first]; !ok || x.until.Before(f.until) {
			first = d
		}
	}
	if len(s.known) >= mostSessions {
		delete(s.known, first)
	}
	s.known[sha256.Sum256([]byte(value))] = session{token, now.Add(sessionLength)}
	return value
}

// token gives the token of a session.
func (s *sessions) token(value string, now time.Time) (digest, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.known[sha256.Sum256([]byte(value))]
	return x.token, ok && now.Before(x.until)
}

// loginInput is a token, as JSON from programs or as the form of the page.
type loginInput struct {
	request
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/json"`

	token string
	next  string // page to go to
}

// Login is the body of POST /login.
type Login struct {
	Token string `json:"token" maxLength:"256" doc:"As flapwatch token new printed it."`
}

// Resolve implements huma.Resolver.
func (l *loginInput) Resolve(c huma.Context) []error {
	errs := l.read(c)
	var body Login
	if l.form() {
		v, err := url.ParseQuery(string(l.RawBody))
		if err != nil {
			return append(errs, &huma.ErrorDetail{Location: "body", Message: "not a form"})
		}
		body.Token, l.next = v.Get("token"), "/"
		if u, err := url.Parse(v.Get("next")); err == nil && u.Scheme == "" && u.Host == "" && isPage(u.Path) && printable(u.Path) {
			l.next = u.RequestURI() // a page of ours, and nobody else's
		}
	} else if json.Unmarshal(l.RawBody, &body) != nil {
		return append(errs, &huma.ErrorDetail{Location: "body", Message: `write it as {"token": "fw_…"}`})
	}
	l.token = strings.TrimSpace(body.Token)
	return errs
}

func (l *loginInput) form() bool {
	return strings.HasPrefix(l.ContentType, "application/x-www-form-urlencoded")
}

type loginOutput struct {
	Status    int
	Location  string      `header:"Location"`
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// login exchanges a token for a cookie that scripts cannot read and other sites cannot make a browser send.
func (s *server) login(_ context.Context, in *loginInput) (*loginOutput, error) {
	if s.Tokens == nil {
		return nil, huma.Error404NotFound("this service runs without tokens")
	}
	token := digest(sha256.Sum256([]byte(in.token)))
	if _, ok := s.Tokens().role(token); !ok {
		return nil, huma.Error401Unauthorized("this token is not known")
	}
	out := &loginOutput{Status: http.StatusNoContent, SetCookie: http.Cookie{
		Name: sessionCookie, Value: s.sessions.open(token, in.at), Path: "/", MaxAge: int(sessionLength / time.Second),
		HttpOnly: true, Secure: s.TLS, SameSite: http.SameSiteStrictMode,
	}}
	if in.form() {
		out.Status, out.Location = http.StatusSeeOther, in.next
	}
	return out, nil
}
