package store

import (
	"bytes"
	"fmt"
	"net"
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
