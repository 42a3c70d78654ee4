package store

import (
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"unsafe"
)

// A block is the unit of an INSERT: named columns of equal length. It is built row by row and written in ClickHouse's
// Native format (https://clickhouse.com/docs/interfaces/formats/Native), which is what lies in its columns already, so
// that sending copies nothing. Rows can be left out when it is written, because duplicates are found only after a
// block is complete.
type block []namedColumn

type namedColumn struct {
	name string
	column
}

// column holds the values of one column. rows names the rows to write; nil stands for all of them.
type column interface {
	kind() string                          // ClickHouse type
	native(out *net.Buffers, rows []int32) // appends what Native has after name and type
	values(rows []int32) any               // a slice for the driver's own batches
	take(from column, rows []int32)        // appends rows of another column of the same type
	reset()
}

// native writes the chosen rows, count of them.
func (b block) native(rows []int32, count int) net.Buffers {
	head := binary.AppendUvarint(nil, uint64(len(b)))
	out := net.Buffers{binary.AppendUvarint(head, uint64(count))}
	for _, c := range b {
		out = append(out, appendString(appendString(nil, c.name), c.kind()))
		c.column.native(&out, rows)
	}
	return out
}

// list gives the names of the columns, for an INSERT.
func (b block) list() string {
	names := make([]string, len(b))
	for i, c := range b {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// take appends rows of another block of the same table.
func (b block) take(from block, rows []int32) {
	for i, c := range b {
		c.column.take(from[i].column, rows)
	}
}

func (b block) reset() {
	for _, c := range b {
		c.reset()
	}
}

func appendString(b []byte, s string) []byte { return append(appendLength(b, len(s)), s...) }

// appendLength appends the length of a string: mostly it is one byte.
func appendLength(b []byte, n int) []byte {
	if n < 1<<7 {
		return append(b, byte(n))
	}
	return binary.AppendUvarint(b, uint64(n))
}

// number is a column of a type with a fixed size.
type number[T int64 | uint64 | uint32 | uint8 | bool] struct{ v []T }

func (c *number[T]) add(v T) { c.v = append(doubled(c.v), v) }
func (c *number[T]) reset()  { c.v = c.v[:0] }

func (c *number[T]) kind() string {
	switch any(c).(type) {
	case *number[int64]:
		return "Int64"
	case *number[uint64]:
		return "UInt64"
	case *number[uint32]:
		return "UInt32"
	case *number[bool]:
		return "Bool"
	}
	return "UInt8"
}

func (c *number[T]) pick(rows []int32) []T {
	if rows == nil {
		return c.v
	}
	picked := make([]T, len(rows))
	for i, row := range rows {
		picked[i] = c.v[row]
	}
	return picked
}

func (c *number[T]) native(out *net.Buffers, rows []int32) {
	*out = append(*out, littleEndian(c.pick(rows)))
}

func (c *number[T]) values(rows []int32) any { return c.pick(rows) }

func (c *number[T]) take(from column, rows []int32) {
	c.v = append(c.v, from.(*number[T]).pick(rows)...)
}

// littleEndian gives the bytes of numbers as Native has them. They are the numbers' own where the processor has them so too, and
// must be written before those change.
func littleEndian[T int64 | uint64 | uint32 | uint8 | bool](v []T) []byte {
	if !sameOrder {
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			panic(err) // not a slice of numbers
		}
		return b
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(*new(T))))
}

// sameOrder says that the processor's numbers are little-endian.
var sameOrder = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// doubled gives a full slice as much room again, so that the columns of a full batch have no more than they need.
func doubled[T any](v []T) []T {
	if len(v) == cap(v) {
		return more(v)
	}
	return v
}

func more[T any](v []T) []T { return slices.Grow(v, max(1<<10, len(v))) }

// moment is a column of times in milliseconds since 1970.
type moment struct{ number[int64] }

func (*moment) kind() string { return "DateTime64(3, 'UTC')" }

func (c *moment) take(from column, rows []int32) { c.number.take(&from.(*moment).number, rows) }

// constant is a column of one number for all rows.
type constant struct {
	v    uint64
	rows int
}

func (c *constant) kind() string { return "UInt64" }
func (c *constant) reset()       { *c = constant{} }

func (c *constant) native(out *net.Buffers, rows []int32) {
	*out = repeated(*out, binary.LittleEndian.AppendUint64(nil, c.v), chosen(rows, c.rows))
}

func (c *constant) take(_ column, rows []int32) { c.rows += len(rows) }

func (c *constant) values(rows []int32) any {
	return slices.Repeat([]uint64{c.v}, chosen(rows, c.rows))
}
