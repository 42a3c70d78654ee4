package api

import (
	"net/http"

	"flapwatch/event"
)

// sendersPage shows who sends, and what is wrong with the settings.
func (s *server) sendersPage(w http.ResponseWriter, r *http.Request) {
	v, wrong := s.viewOf(r)
	if len(wrong) > 0 {
		s.refusePage(w, r, v, wrong...)
		return
	}
	senders, err := s.senders(r.Context(), event.Filter{Window: v.Window})
	if err != nil {
		s.failPage(w, r, v, err)
		return
	}
	s.begin(w, "senders.html", struct {
		*view
		Senders
	}{v, senders})
}
