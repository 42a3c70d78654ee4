package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"strconv"
	"time"

	"flapwatch/api"
	"flapwatch/event"
	"flapwatch/ingest"
	"flapwatch/parse"
)

// Syslog gives the addresses that receive, as URLs.
func (s *service) Syslog() []string {
	var out []string
	for _, a := range s.listeners.Addrs() {
		out = append(out, a.Network()+"://"+a.String())
	}
	return out
}

// Ready gives what keeps the service from taking messages in, storing them or answering.
func (s *service) Ready(context.Context) []api.Trouble {
	var troubles []api.Trouble
	if err := s.intake.Ready(); err != nil {
		troubles = append(troubles, api.Trouble{Part: "spool", Why: err.Error()})
	}
	if err := cmp.Or(s.database.ready(), s.pipeline.Ready()); err != nil {
		troubles = append(troubles, api.Trouble{Part: "store", Why: err.Error()})
	}
	return troubles
}

// Decode reads a text record by record and tells what each is. Nothing is stored.
func (s *service) Decode(_ context.Context, text []byte, yield func(api.Record)) error {
	return decodeText(parse.New(s.catalogue.Keys()), bytes.NewReader(text), time.Now(), nil, func(r api.Record) error {
		yield(r)
		return nil
	})
}

// decodeText tells what each record of a text is, received now; zones gives the zone of times that name none (may be nil).
func decodeText(p *parse.Parser, text io.Reader, now time.Time, zones func(source string) *time.Location, yield func(api.Record) error) error {
	at := parse.Context{Received: now.UTC(), Source: "decode"}
	if zones != nil {
		at.Zone = zones(at.Source)
	}
	records := parse.NewRecords(text, ingest.MaxFrame)
	for records.Next() {
		e := new(event.Event)
		status, err := p.Parse(string(records.Text()), at, e)
		e.Identify(status, "decode/"+strconv.FormatInt(records.Offset(), 10))
		if err := yield(api.Record{Status: status, Event: e, Err: err}); err != nil {
			return err
		}
	}
	return records.Err()
}
