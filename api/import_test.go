package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// importFunc is an Importer in a test.
type importFunc func(ctx context.Context, file io.Reader, name string, wait bool) (Import, error)

func (f importFunc) Import(ctx context.Context, file io.Reader, name string, wait bool) (Import, error) {
	return f(ctx, file, name, wait)
}

func importing(i importFunc) http.Handler {
	return New(Deps{Importer: i, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), Now: time.Now, Loopback: true})
}

// TestImportAnswers: what an import ends with decides the status, and what was accepted is said in any case.
func TestImportAnswers(t *testing.T) {
	stored := uint64(2)
	for _, c := range []struct {
		name string
		done Import
		err  error
		want string
	}{
		{"accepted", Import{Accepted: 3}, nil, `200 {"accepted":3}`},
		{"stored", Import{Accepted: 3, Stored: &stored}, nil, `200 {"accepted":3,"stored":2}`},
		{"damaged", Import{Accepted: 7}, fmt.Errorf("read x.gz: unexpected EOF: %w", ErrBadImport), "422 read x.gz: unexpected EOF: bad import 7"},
		{"too large", Import{}, ErrTooLarge, "413 too large 0"},
		{"disk", Import{}, errors.New("/secret/place: no space left"), "500 the import went wrong; the log of the service has the cause 0"},
	} {
		h := importing(func(_ context.Context, file io.Reader, name string, wait bool) (Import, error) {
			if text, err := io.ReadAll(file); string(text) != "line\n" || err != nil || name != "a b" || !wait {
				t.Errorf("%s: got %q, %v, %q, %v", c.name, text, err, name, wait)
			}
			return c.done, c.err
		})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/api/v1/import?name=a+b&wait=true", strings.NewReader("line\n")))
		got := fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
		if w.Code != http.StatusOK {
			var p ImportProblem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %v in %s, %s", c.name, err, w.Body, w.Header())
			}
			got = fmt.Sprint(w.Code, " ", p.Detail, " ", p.Accepted)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestImportStreams: the body is handed on as it comes, before all of it is there.
func TestImportStreams(t *testing.T) {
	got := make(chan string)
	server := httptest.NewServer(importing(func(_ context.Context, file io.Reader, _ string, _ bool) (Import, error) {
		b := make([]byte, 6)
		for range 2 {
			if _, err := io.ReadFull(file, b); err != nil {
				return Import{}, err
			}
			got <- string(b)
		}
		_, err := io.Copy(io.Discard, file)
		return Import{Accepted: 2}, err
	}))
	defer server.Close()
	body, feed := io.Pipe()
	answered := make(chan error)
	go func() {
		r, err := http.Post(server.URL+"/api/v1/import", "application/octet-stream", body)
		if err == nil {
			var b bytes.Buffer
			if _, err = b.ReadFrom(r.Body); err == nil && r.StatusCode != http.StatusOK {
				err = fmt.Errorf("%s: %s", r.Status, &b)
			}
			_ = r.Body.Close()
		}
		answered <- err
	}()
	for _, piece := range []string{"first\n", "second"} {
		if _, err := io.WriteString(feed, piece); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g != piece {
			t.Errorf("got %q, want %q", g, piece)
		}
	}
	_ = feed.Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}
