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
	f.Add(b.body, 5)
	f.Add([]byte{0, 0}, 1)
	f.Add([]byte{0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 1)
	f.Fuzz(func(t *testing.T, body []byte, count int) {
		decode := func(body []byte) (got []frame, b Batch) {
			fo := &folder{log: slog.New(slog.DiscardHandler)}
			rec := Record{reader: &Reader{folder: fo}, head: header{count: uint32(count)}, stored: body}
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
		same, third := decode(again.body)
		if len(same) != len(got) || !bytes.Equal(third.body, again.body) {
			t.Fatalf("%+v is read again as %+v", got, same)
		}
	})
}

// FuzzPacked: frames that are packed are unpacked as they were, and whatever bytes stand for packed frames, unpacking ends.
func FuzzPacked(f *testing.F) {
	var b Batch
	for n := range uint64(many) {
		frameOf(n).addTo(&b)
	}
	f.Add(b.body, uint32(many))
	b.seal()
	f.Add(b.buf[headerSize:], uint32(many))
	f.Add([]byte{255, 255, 255, 255, 1}, uint32(1))
	f.Fuzz(func(t *testing.T, body []byte, count uint32) {
		const head = "head"
		with, packed := pack([]byte(head), body, count)
		back := with[len(head):]
		if packed {
			if len(back) >= len(body) || uint64(len(back)) < uint64(count)*minFrame {
				t.Fatalf("%d bytes of %d frames packed into %d", len(body), count, len(back))
			}
			back = unpack(back, nil)
		}
		if string(with[:len(head)]) != head || !bytes.Equal(back, body) {
			t.Fatalf("%q (packed %v) is unpacked as %q", body, packed, back)
		}
		if size := unpackedSize(body); size <= 1<<24 { // more takes memory that a test may not have
			if n := len(unpack(body, nil)); n != 0 && n != size {
				t.Fatalf("%d bytes unpacked, %d expected", n, size)
			}
		}
	})
}

// FuzzSegment: a spool opens with anything for its last segment's records, never delivers a frame that was not
// appended, and takes more.
func FuzzSegment(f *testing.F) {
	whole, id := filled(f, 1<<20, few)
	s, err := Open(whole, Options{})
	if err != nil {
		f.Fatal(err)
	}
	fill(f, s, 100, 100+many, many)
	s.Close()
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
