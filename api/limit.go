package api

import (
	"net/http"
	"sync"
	"time"
)

// A client may ask so often in a second, and save up what it did not use for a while. A wrong token costs as much as many
// questions: guessing is slow.
const (
	askRate        = 200 // a second
	askBurst       = 1000
	wrongTokenCost = 20
	mostClients    = 10_000
)

// limiter holds a bucket for each client.
type limiter struct {
	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// spend takes cost from the client's bucket and says whether there was enough.
func (l *limiter) spend(client string, cost float64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets == nil {
		l.buckets = map[string]bucket{}
	}
	b, known := l.buckets[client]
	if !known {
		l.make(now)
		b = bucket{askBurst, now}
	}
	b.left = min(askBurst, b.left+now.Sub(b.at).Seconds()*askRate)
	b.at = now
	enough := b.left >= cost
	if enough {
		b.left -= cost
	}
	l.buckets[client] = b
	return enough
}

// make makes room for one more client: those whose buckets are full again are forgotten, and if all are busy, somebody is.
func (l *limiter) make(now time.Time) {
	if len(l.buckets) < mostClients {
		return
	}
	for c, b := range l.buckets {
		if b.left+now.Sub(b.at).Seconds()*askRate >= askBurst {
			delete(l.buckets, c)
		}
	}
	for c := range l.buckets {
		if len(l.buckets) < mostClients {
			return
		}
		delete(l.buckets, c)
	}
}

// limited refuses clients that ask too often.
func (s *server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.limit.spend(client(r), 1, askedAt(r.Context())) {
			slowDown(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func slowDown(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	problem(w, http.StatusTooManyRequests, "too many requests from this address; try again in a second")
}
