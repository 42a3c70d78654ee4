package spool

import (
	"bytes"
	"log/slog"
	"testing"
)

// FuzzDecode: whatever bytes stand for frames, decoding ends, stays within them, and what it gives is written again
// as frames that read the same.
func FuzzDecode(f *testing.F) {
	var b Batch
	for n := range uint64(5) {
		frameOf(n).addTo(&b)
	}
	f.Add(b.buf[headerSize:], 5)
	f.Add([]byte{0, 0}, 1)
	f.Add([]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 1)
	f.Fuzz(func(t *testing.T, body []byte, count int) {
		decode := func(body []byte) (got []frame, b Batch) {
			fo := &folder{log: slog.New(slog.DiscardHandler)}
			rec := Record{reader: &Reader{folder: fo}, head: header{count: uint32(count)}, body: body}
			rec.Frames(func(n uint64, received int64, source string, data []byte) bool {
				got = append(got, frame{n, received, source, string(data)})
				b.Add(received-got[0].received, source, data)
				return true
			})
			if len(got) > len(body)/minFrame || len(got) > int(uint32(count)) {
				t.Fatalf("%d frames from %d bytes", len(got), len(body))
			}
			if lost := fo.losses.total().lost; len(got)+int(lost) != int(uint32(count)) {
				t.Fatalf("%d frames and %d lost, of %d", len(got), lost, uint32(count))
			}
			return got, b
		}
		got, again := decode(body)
		if len(got) == 0 || again.Bytes() > recordBytes {
			return
		}
		count = len(got)
		same, third := decode(again.buf[headerSize:])
		if len(same) != len(got) || !bytes.Equal(third.buf, again.buf) {
			t.Fatalf("%+v is read again as %+v", got, same)
		}
	})
}

// FuzzSegment: a spool opens with anything for its last segment's records, never delivers a frame that was not
// appended, and takes more.
func FuzzSegment(f *testing.F) {
	whole, id := filled(f, 1<<20)
	path := segmentPath(whole, 0)
	content := read(f, path)
	f.Add(content[segmentHeaderSize:])
	f.Add(content[segmentHeaderSize : len(content)-5])
	f.Add(bytes.Repeat([]byte(recordMagic), 30))
	f.Fuzz(func(t *testing.T, records []byte) {
		dir := t.TempDir()
		write(t, segmentPath(dir, 0), append(segmentHeader(id, 0), records...))
		s := open(t, dir, Options{})
		before := s.Stats().Appended
		for _, got := range drain(t, s, 0) {
			if got != frameOf(got.n) {
				t.Fatalf("%+v was never appended", got)
			}
		}
		fill(t, s, before, before+3, 3)
		wantFrames(t, drain(t, s, before), before, before+3)
		drain(t, s, 0)
		if st := s.Stats(); st.Frames+st.LostFrames != st.Appended {
			t.Fatalf("%+v does not add up", st)
		}
		s.Close()
	})
}
