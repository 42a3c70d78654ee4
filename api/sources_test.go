package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// manySenders is a Reader of a store in which there are more senders, and more processes, than an answer has room for.
type manySenders struct{ Reader }

func (manySenders) Sources(context.Context, event.Filter) (event.Senders, error) {
	return event.Senders{List: []event.Source{{Source: "10.0.0.1", Node: "ucm-1", Messages: 5}}, Others: 12, Uncounted: 3}, nil
}

// TestSendersCut: every form of the answer says that it is not all.
func TestSendersCut(t *testing.T) {
	h := New(Deps{Reader: manySenders{}, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler), Now: time.Now, Loopback: true})
	for address, want := range map[string][]string{
		"/api/v1/sources":            {`"others":12`, `"uncounted_processes":3`},
		"/api/v1/sources?format=csv": {"source,cluster,node", "\r\n10.0.0.1,,ucm-1,5,"},
		"/senders":                   {"and 12 others, each of fewer messages", "The numbers of 3 processes more were not followed"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+address, nil))
		for _, words := range want {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s: %d, no %q in %s", address, w.Code, words, w.Body)
			}
		}
		if strings.HasPrefix(address, "/api") && (w.Header().Get("Flapwatch-Others") != "12" || w.Header().Get("Flapwatch-Uncounted-Processes") != "3") {
			t.Errorf("%s: %v", address, w.Header())
		}
	}
}
