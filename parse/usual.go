package parse

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unsafe"
)

// usualTags reads tags from k on as long as each follows the one that it follows in an unregistration, and leaves k at the
// first that does not. It says nothing that valueEnd and add would not say, and takes half of their time: FuzzParse compares
// the two ways.
func (r *record) usualTags(k *tagKey) {
	if !r.plain || k.unknown {
		return
	}
	s, tags := r.s, r.e.Tags
	name, value, f := k.name, k.value, k.field
	before := none
	for len(tags) < cap(tags) {
		end := bracket(s, value)
		if end+2 >= len(s) || s[end+1] != '[' || padded(s[value:end]) || r.seen&(1<<f) != 0 {
			break
		}
		if f == description && r.lastReason >= value || f == reason && before != description && r.described != 0 {
			break
		}
		follows, next := r.usual(f, s[value:end], s[end+2:])
		if next == none {
			break
		}
		if f == description && r.seen&(1<<reason) == 0 {
			r.described = value
		}
		tags = tags[:len(tags)+1]
		t := &tags[len(tags)-1]
		t.Key, t.Value, t.Unknown = name, s[value:end], false
		r.seen |= 1 << f &^ (1 << noted)
		before, name, value, f = f, follows, end+3+len(follows), next
	}
	r.e.Tags = tags
	k.name, k.value, k.field = name, value, f
}

// bracket is the index of the first ']' at or behind i, or the length of s. It looks at eight bytes at once: what is zero after
// an exclusive or with eight brackets has its top bit set by the subtraction (Warren, Hacker's Delight, section 6-1).
func bracket(s string, i int) int {
	const ones, brackets = 0x0101010101010101, ']' * 0x0101010101010101
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:]) ^ brackets
		if zero := (w - ones) &^ w & (ones << 7); zero != 0 {
			return i + bits.TrailingZeros64(zero)/8
		}
	}
	for i < len(b) && b[i] != ']' {
		i++
	}
	return i
}

// usual fills field f from value if rest goes on with the key that mostly follows, and names that key.
func (r *record) usual(f field, value, rest string) (name string, next field) {
	e := r.e
	switch f {
	case device:
		if strings.HasPrefix(rest, "IPAddress=") {
			e.Device = value
			return "IPAddress", ip
		}
	case ip:
		if strings.HasPrefix(rest, "Protocol=") {
			r.setIP(ip, value)
			return "Protocol", protocol
		}
	case protocol:
		if strings.HasPrefix(rest, "DeviceType=") {
			e.Protocol = value
			return "DeviceType", deviceType
		}
	case deviceType:
		if strings.HasPrefix(rest, "Description=") {
			e.DeviceType, e.HasDeviceType = code(value)
			return "Description", description
		}
	case description:
		if strings.HasPrefix(rest, "Reason=") && r.seen&(1<<reason) == 0 {
			e.Description = value
			return "Reason", reason
		}
	case reason:
		if strings.HasPrefix(rest, "IPAddrAttributes=") {
			r.set(reason, value)
			return "IPAddrAttributes", noted
		}
	case noted:
		if strings.HasPrefix(rest, "LastSignalReceived=") {
			return "LastSignalReceived", signal
		}
	case signal:
		if strings.HasPrefix(rest, "AppID=") {
			e.Signal = value
			return "AppID", appID
		}
	case appID:
		if strings.HasPrefix(rest, "ClusterID=") {
			e.AppID = value
			return "ClusterID", cluster
		}
	case cluster:
		if strings.HasPrefix(rest, "NodeID=") {
			e.Cluster = value
			return "NodeID", node
		}
	}
	return "", none
}
