package ingest

import "flapwatch/event"

// shares are the counts of the imports that have records in a range, by id.
type shares struct {
	draft Draft
	at    string // import that the draft is told to count for
	of    map[string]*event.Counts
	ended map[string]bool // imports whose last record is in the range
}

// count lets what is added to the draft from now on count for an import, or for none.
func (s *shares) count(f framed) {
	if f.last {
		if s.ended == nil {
			s.ended = map[string]bool{}
		}
		s.ended[f.imported] = true
	}
	if f.imported == s.at {
		return
	}
	if s.at = f.imported; s.at == "" {
		s.draft.Import(nil)
		return
	}
	s.draft.Import(s.share(s.at))
}

// add counts messages that leave no row of their own.
func (s *shares) add(f framed, leftover *event.Counts, n event.Counts) {
	counts := []*event.Counts{leftover}
	if f.imported != "" {
		counts = append(counts, s.share(f.imported))
	}
	for _, c := range counts {
		c.Duplicate += n.Duplicate
		c.Unparsed += n.Unparsed
		c.Other += n.Other
	}
}

// share gives the counts of an import.
func (s *shares) share(id string) *event.Counts {
	if s.of == nil {
		s.of = map[string]*event.Counts{}
	}
	if s.of[id] == nil {
		s.of[id] = new(event.Counts)
	}
	return s.of[id]
}
