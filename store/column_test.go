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

// A column gives each row back, and sends the same bytes, however many rows with the usual value it begins with.
func TestUsualRows(t *testing.T) {
	for _, usual := range []int{0, 1, stride - 1, stride, 3000} {
		for _, others := range []int{0, 1, 2, 200} {
			t.Run(fmt.Sprint(usual, "+", others), func(t *testing.T) {
				held, plain := text{usual: "as ever"}, text{usual: "never"}
				var number, zeros optional[uint32]
				zeros.add(0, true)
				for row := range usual + others {
					s, n := "as ever", uint32(0)
					if row >= usual {
						s, n = fmt.Sprint("row ", row), uint32(row)
					}
					held.add(s)
					plain.add(s)
					number.add(n, n > 0)
					zeros.add(n, n > 0)
				}
				var taken text
				var all, some []int32
				for row := range int32(usual + others) {
					if all = append(all, row); row%3 == 0 {
						some = append(some, row)
					}
					if got, want := held.string(row), plain.string(row); got != want {
						t.Fatalf("row %d is %q, want %q", row, got, want)
					}
					n, has := number.at(row)
					if want, wanted := zeros.at(row + 1); n != want || has != wanted {
						t.Fatalf("row %d is %d %v, want %d %v", row, n, has, want, wanted)
					}
				}
				for _, rows := range [][]int32{nil, all, some} {
					if got, want := nativeOf(&held, rows), nativeOf(&plain, rows); !bytes.Equal(got, want) {
						t.Errorf("%d rows are sent as %q, want %q", len(rows), got, want)
					}
				}
				later := make([]int32, len(all))
				for i := range later {
					later[i] = all[i] + 1
				}
				if got, want := nativeOf(&number, nil), nativeOf(&zeros, later); len(all) > 0 && !bytes.Equal(got, want) {
					t.Errorf("numbers are sent as %v, want %v", got, want)
				}
				taken.take(&held, all)
				if got, want := nativeOf(&taken, nil), nativeOf(&plain, all); !bytes.Equal(got, want) {
					t.Errorf("taken over as %q, want %q", got, want)
				}
			})
		}
	}
}
