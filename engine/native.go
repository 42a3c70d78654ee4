package engine

import (
	"encoding/binary"
	"strconv"
)

// helloQuery is what clickhouse-go asks on each new connection; see queryHello in its conn_http.go.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// Protocol revisions from which a Native block begins with block information, and each column says whether its
// serialization is a custom one (DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION).
const (
	revisionBlockInfo           = 1
	revisionCustomSerialization = 54454
)

// identity is what the engine says of itself.
type identity struct {
	name, version, timezone string
}

// hello answers helloQuery as a Native block of one row at the client's protocol revision. The revision it tells is 0:
// after that the client speaks revision 0, the only one that the library reads and writes.
func (id identity) hello(protocol string) []byte {
	revision, err := strconv.Atoi(protocol)
	if err != nil {
		revision = 0
	}
	var b []byte
	if revision >= revisionBlockInfo {
		b = append(b, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0) // field 1 is_overflows = 0, field 2 bucket_num = -1, end
	}
	b = append(b, 4, 1) // columns, rows
	column := func(name, kind string, value []byte) {
		b = appendText(appendText(b, name), kind)
		if revision >= revisionCustomSerialization {
			b = append(b, 0)
		}
		b = append(b, value...)
	}
	column("displayName()", "String", appendText(nil, id.name))
	column("version()", "String", appendText(nil, id.version))
	column("revision()", "UInt32", make([]byte, 4))
	column("timezone()", "String", appendText(nil, id.timezone))
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
