package store

import (
	"context"
	"testing"
	"time"
	"os"
	"strings"
)

func TestScratchTimes(t *testing.T) {
	if os.Getenv("SCRATCH") == "" { t.Skip() }
	s := open(t)
	f := newFleet(20_000)
	ctx := context.Background()
	ddl := scan[string](t, s, "SELECT create_table_query FROM system.tables WHERE database=currentDatabase() AND name='events'")
	mk := func(name string, edit func(string) string) { 
		q := strings.Replace(ddl, ".events ", "."+name+" ", 1)
		exec(t, s, edit(q)) }
	var tabs []string
	add := func(name string, edit func(string) string) { mk(name, edit); tabs = append(tabs, name) }
	compact := func(s string) string { return strings.Replace(s, "SETTINGS ", "SETTINGS min_bytes_for_wide_part=1000000000, ", 1) }
	nosync := func(s string) string { return strings.Replace(strings.Replace(s, "fsync_after_insert = 1", "fsync_after_insert=0", 1), "fsync_part_directory = 1", "fsync_part_directory=0", 1) }
	add("same", func(s string) string { return s })
	add("compact", compact)
	add("nosync", nosync)
	add("compactnosync", func(s string) string { return nosync(compact(s)) })
	add("noindex", func(s string) string { return strings.Replace(nosync(compact(s)), ", INDEX given given_id TYPE bloom_filter GRANULARITY 4", "", 1) })
	add("nottl", func(s string) string { i := strings.Index(s, "TTL "); j := strings.Index(s, "SETTINGS "); return nosync(compact(s[:i]+s[j:])) })
	add("nomap", func(s string) string { return strings.Replace(nosync(compact(s)), "`tags` Map(LowCardinality(String), String) CODEC(ZSTD(1))", "`tags` Map(String, String)", 1) })
	add("lz4", func(s string) string { 
		s = nosync(compact(s))
		for _, c := range []string{"CODEC(ZSTD(1))", "CODEC(Delta(8), ZSTD(1))", "CODEC(Delta(4), ZSTD(1))", "CODEC(ZSTD(3))", "CODEC(T64, ZSTD(1))"} { s = strings.ReplaceAll(s, c, "") }
		return s })
	exec(t, s, "SYSTEM STOP MERGES")
	for i := range 6 {
		b := s.Begin("a", uint64(i*batchSize))
		for range batchSize { b.Add(f.next()) }
		if err := b.decide(ctx); err != nil { t.Fatal(err) }
		b.events.close(7)
		var line []any
		for _, tab := range tabs {
			x := time.Now()
			into := target{table: tab, block: b.blocks[0], ids: b.events.ids, place: "x"}
			if _, err := s.insert(ctx, into, b.fresh); err != nil { t.Fatal(err) }
			line = append(line, tab, time.Since(x).Round(time.Millisecond))
		}
		t.Log(line...)
		b.release()
	}
}
