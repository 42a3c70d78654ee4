package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
)

// nativeOf gives what is sent of the chosen rows.
func nativeOf(c column, rows []int32) []byte {
	var out net.Buffers
	c.native(&out, rows)
	return bytes.Join(out, nil)
}

// A column gives each row back, and sends the same bytes, however many empty rows it begins with.
func TestEmptyRows(t *testing.T) {
	for _, empty := range []int{0, 1, stride - 1, stride, 3000} {
		for _, others := range []int{0, 1, 2, 200} {
			t.Run(fmt.Sprint(empty, "+", others), func(t *testing.T) {
				var held, plain, taken text
				var all, some []int32
				for row := range empty + others {
					s := ""
					if row >= empty {
						s = fmt.Sprint("row ", row)
					}
					held.add(s)
					plain.addBytes([]byte(s))
					if all = append(all, int32(row)); row%3 == 0 {
						some = append(some, int32(row))
					}
				}
				for _, row := range all {
					if got, want := held.string(row), plain.string(row); got != want {
						t.Fatalf("row %d is %q, want %q", row, got, want)
					}
				}
				for _, rows := range [][]int32{nil, all, some} {
					if got, want := nativeOf(&held, rows), nativeOf(&plain, rows); !bytes.Equal(got, want) {
						t.Errorf("%d rows are sent as %q, want %q", len(rows), got, want)
					}
				}
				taken.take(&held, all)
				if got, want := nativeOf(&taken, nil), nativeOf(&plain, all); !bytes.Equal(got, want) {
					t.Errorf("taken over as %q, want %q", got, want)
				}
			})
		}
	}
}

// A column gives back and sends rows of any length, in however many pieces they lie, also when it is filled again.
func TestPieces(t *testing.T) {
	var c text
	for range 2 {
		var want []string
		var wire []byte
		var some []int32
		for i, size := range []int{1, pieceSize / 2, pieceSize/2 - 20, 0, 3, pieceSize, 2 * pieceSize, 1, pieceSize - binary.MaxVarintLen64, 7} {
			for range 1 + i%3*stride {
				want = append(want, strings.Repeat(string(rune('a'+i)), size))
			}
		}
		for row, s := range want {
			c.add(s)
			wire = appendString(wire, s)
			if row%7 == 0 {
				some = append(some, int32(row))
			}
		}
		for row, s := range want {
			if got := c.string(int32(row)); got != s {
				t.Fatalf("row %d has %d bytes of %.1q, want %d of %.1q", row, len(got), got, len(s), s)
			}
		}
		if got := nativeOf(&c, nil); !bytes.Equal(got, wire) || c.bytes() != len(wire) {
			t.Errorf("%d bytes are sent and %d counted of %d rows, want %d", len(got), c.bytes(), len(want), len(wire))
		}
		wire = wire[:0]
		for _, row := range some {
			wire = appendString(wire, want[row])
		}
		if got := nativeOf(&c, some); !bytes.Equal(got, wire) {
			t.Errorf("%d bytes are sent of some rows, want %d", len(got), len(wire))
		}
		c.reset()
	}
}
