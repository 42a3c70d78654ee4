package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/event"
	"flapwatch/internal/clickhousetest"
)

// withDatabase uses the database of a data folder without a service.
func withDatabase(t *testing.T, data string, use func(context.Context, *database)) {
	t.Helper()
	clickhousetest.Library(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := openDatabase(ctx, &serveCmd{Data: data, Clickhouse: "embedded"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if err := d.look(ctx); err != nil {
		t.Fatal(err)
	}
	use(ctx, d)
}

// keepUnparsed stores lines as an older program did that did not understand them.
func keepUnparsed(ctx context.Context, t *testing.T, d *database, received time.Time, lines ...string) {
	t.Helper()
	draft := d.Begin("older", 0)
	for i, raw := range lines {
		e := event.Event{Raw: raw, Source: "10.0.0.1", Received: received}
		e.Identify(event.Unparsed, "older/"+string(rune('a'+i)))
		draft.AddUnparsed(&e, 0, "an older program did not understand it")
	}
	n := uint64(len(lines))
	if err := draft.Decide(ctx, n, event.Counts{}); err != nil {
		t.Fatal(err)
	}
	if err := draft.Write(ctx); err != nil {
		t.Fatal(err)
	}
	if counts, err := draft.Mark(ctx); err != nil || counts != (event.Counts{Received: n, Unparsed: n}) {
		t.Fatalf("%+v, %v", counts, err)
	}
}

// TestSpoolReplay: what an older program did not understand becomes events once, with the receipt that it had.
func TestSpoolReplay(t *testing.T) {
	data := folder(t)
	received := time.Now().Add(-50 * time.Hour).Truncate(time.Millisecond).UTC()
	noClock := strings.Replace(strings.TrimSpace(fileLine(7)), "Jul 02 2015 06:22:31.123 UTC", "--- 00 0000 00:00:00.000 ---", 1)
	noClock = noClock[strings.Index(noClock, "7: "):]
	withDatabase(t, data, func(ctx context.Context, d *database) {
		keepUnparsed(ctx, t, d, received, strings.TrimSpace(wireLine(1)), noClock, "\xff\xfe\x00 nothing", "<187>cut %UC_CALLMANAGER-9-")
	})
	p := serve(t, data)
	for _, want := range []replayed{
		{Lines: 4, Understood: 2, Import: importView(2, event.Counts{Stored: 2})},
		{Lines: 4, Understood: 2, Import: importView(2, event.Counts{Duplicate: 2})},
	} {
		out, log, exit := once(t, "", "spool", "replay", "--url", p.web, "--json")
		var got replayed
		if err := json.Unmarshal([]byte(out), &got); err != nil || exit != 0 || got.Lines != want.Lines || got.Understood != want.Understood ||
			countsOf(got.Import) != countsOf(want.Import) {
			t.Errorf("exit %d, %v: %s%s", exit, err, out, log)
		}
	}
	var events api.List[api.Event]
	p.get("/events", query("from", received.Add(-time.Minute).Format(time.RFC3339), "to", received.Add(time.Minute).Format(time.RFC3339)), &events)
	if len(events.Items) != 1 || !events.Items[0].ReceivedAt.Equal(received) || !events.Items[0].Time.Equal(received) || events.Items[0].Source != "10.0.0.1" {
		t.Errorf("the event without a clock: %+v, want it at its receipt, %s", events.Items, received)
	}
	if out, _, exit := once(t, "", "spool", "replay", "--url", p.web, "--from", "-1h"); exit != 0 || !strings.HasPrefix(out, "0 lines") {
		t.Errorf("a window without lines: %d %s", exit, out)
	}
	if _, log, exit := once(t, "", "spool", "replay", "--url", "http://127.0.0.1:1"); exit == 0 || !strings.Contains(log, "serve") {
		t.Errorf("without a service: %d %s", exit, log)
	}
}

// TestImportExported: what spool export writes is imported with its receipt, once; a line of it that is damaged is kept as it is.
func TestImportExported(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	send(t, "tcp", p.tcp, "<187>1: : %UC_-0-TestAlarmEmergency: no clock\n"+wireLine(2)+"<187>cut %UC_CALLMANAGER-9-\n<187>\xffbytes\n")
	p.wait("all is decided", func() bool { return p.stats().Received == 4 && p.stats().InSpool == 0 })
	out, log, exit := once(t, "", "spool", "export", "--data", data, "--json")
	lines := strings.SplitAfter(out, "\n")
	if exit != 0 || len(lines) != 5 {
		t.Fatalf("export: %d %s%s", exit, out, log)
	}
	out += lines[0][:40] + "\n" + strings.Repeat("x", 500_000) + "\n" // damaged, and longer than any message
	other := serve(t, folder(t))
	want := p.stats()
	first, exit := importing(t, other, out, "-")
	if got := countsOf(first[0].Import); exit != 0 || got != (counted{6, want.Stored, 0, want.Unparsed + 2, want.Other}) {
		t.Errorf("first: exit %d, %v; the spool had %+v", exit, got, want)
	}
	again, exit := importing(t, other, out, "-")
	if got := countsOf(again[0].Import); exit != 0 || got != (counted{6, 0, 6, 0, 0}) {
		t.Errorf("again: exit %d, %v", exit, got)
	}
	var kept api.List[api.Line]
	other.get("/unparsed", query("from", "-1h"), &kept)
	if uint64(len(kept.Items)) != want.Unparsed+2 {
		t.Errorf("%d lines not understood, want %d", len(kept.Items), want.Unparsed+2)
	}
	var list api.List[api.Event]
	other.get("/events", query("from", "-1h"), &list)
	if len(list.Items) == 0 || list.Items[0].Source != "127.0.0.1" {
		t.Errorf("events without a clock: %+v", list.Items)
	}
}
