package parse

import (
	"math/bits"
	"slices"
	"strings"
)

// usualTags reads the list whose first '[' is at i as far as its keys come in the order of an unregistration, in one pass and
// much faster than key by key. It gives the end of the whole list, or where key by key has to go on: at the beginning, if
// anything cannot be decided here. Tags and fields are what key by key would have given. A value that its field does not have as it
// stands leaves the record without a layout.
func (r *record) usualTags(i int) (next int, whole bool) {
	if r.slow || r.lastReason != 0 {
		return i, false
	}
	s, e, list := r.s, r.e, i
	if r.coded {
		r.plain = isPlain(s[list:])
		return i, false
	}
	var value string
	if beginDeviceName.at(s, i) {
		e.Device, i = r.usualTag(i, "DeviceName", device)
	}
	if beginIPAddress.at(s, i) {
		value, i = r.usualTag(i, "IPAddress", ip)
		if isDotted(value) {
			e.IP = value
		} else {
			r.setIP(ip, value)
			r.verbatim(len(e.IP) == len(value))
		}
	}
	if beginProtocol.at(s, i) {
		e.Protocol, i = r.usualTag(i, "Protocol", protocol)
	}
	if beginDeviceType.at(s, i) {
		value, i = r.usualTag(i, "DeviceType", deviceType)
		r.set(deviceType, value)
		r.verbatim(e.HasDeviceType && isPrinted(value))
	}
	if beginDescription.at(s, i) {
		r.described = i + len("[Description=")
		e.Description, i = r.usualTag(i, "Description", description)
		if !beginReason.at(s, i) {
			e.Description, i = r.usualBrackets(i)
		}
	}
	if beginReason.at(s, i) {
		value, i = r.usualTag(i, "Reason", reason)
		r.set(reason, value)
		r.verbatim(e.HasReason && isPrinted(value))
	}
	if beginMACAddress.at(s, i) {
		e.MAC, i = r.usualTag(i, "MACAddress", mac)
	}
	if beginIPV6Address.at(s, i) {
		value, i = r.usualTag(i, "IPV6Address", ipv6)
		r.set(ipv6, value)
		r.verbatim(len(e.IPv6) == len(value))
	}
	c := cursor{at: i, tags: len(e.Tags), seen: r.seen}
	if k := r.p.endings.find(s, &c); k != nil {
		if r.plain = isPlain(s[list:i]); r.plain {
			r.end(k)
			return i + k.list, true
		}
	} else {
		r.plain = isPlain(s[list:])
	}
	if !r.plain {
		r.forget()
		return list, false
	}
	if strings.HasPrefix(s[i:], "[IPAddrAttributes=") {
		_, i = r.usualTag(i, "IPAddrAttributes", none)
	}
	if strings.HasPrefix(s[i:], "[IPV6AddrAttributes=") {
		_, i = r.usualTag(i, "IPV6AddrAttributes", noted)
	}
	if strings.HasPrefix(s[i:], "[LastSignalReceived=") {
		e.Signal, i = r.usualTag(i, "LastSignalReceived", signal)
	}
	if strings.HasPrefix(s[i:], "[CallState=") {
		e.CallState, i = r.usualTag(i, "CallState", callState)
	}
	if strings.HasPrefix(s[i:], "[AppID=") {
		e.AppID, i = r.usualTag(i, "AppID", appID)
	}
	if strings.HasPrefix(s[i:], "[ClusterID=") {
		e.Cluster, i = r.usualTag(i, "ClusterID", cluster)
	}
	if strings.HasPrefix(s[i:], "[NodeID=") {
		e.Node, i = r.usualTag(i, "NodeID", node)
		r.verbatim(e.Node != "")
	}
	switch {
	case i == list || i < len(s) && s[i] == '[' && r.keyAt(i, new(tagKey)):
		return i, false
	case i < len(s) && s[i] == ':' && r.seen&(1<<node) != 0:
		r.p.endings.learn(r, &c, i)
		return i, true
	}
	r.forget()
	return list, false
}

// begin is how a tag of a short key begins, of 8 to 16 bytes: two words, which are compared faster than a text is.
type begin struct {
	head, tail uint64
	size       int
}

func beginOf(key string) begin {
	text := "[" + key + "="
	return begin{word(text), word(text[len(text)-8:]), len(text)}
}

var (
	beginDeviceName, beginIPAddress   = beginOf("DeviceName"), beginOf("IPAddress")
	beginProtocol, beginDeviceType    = beginOf("Protocol"), beginOf("DeviceType")
	beginDescription, beginReason     = beginOf("Description"), beginOf("Reason")
	beginMACAddress, beginIPV6Address = beginOf("MACAddress"), beginOf("IPV6Address")
)

func (b *begin) at(s string, i int) bool {
	return len(s)-i >= b.size && word(s[i:]) == b.head && word(s[i+b.size-8:]) == b.tail
}

// usualTag takes the tag at i with that key, and gives its value and the index behind it, which is that of the end if the value is
// not as usual.
func (r *record) usualTag(i int, key string, f field) (value string, next int) {
	s := r.s
	from := i + len(key) + len("[=")
	end, n := from, 8
	for n == 8 && end+8 <= len(s) {
		n = first(']', word(s[end:]))
		end += n
	}
	value = s[from:end]
	if n == 8 || padded(value) {
		return "", len(s)
	}
	e := r.e
	if len(e.Tags) == cap(e.Tags) {
		e.Tags = slices.Grow(e.Tags, room)
	}
	e.Tags = e.Tags[:len(e.Tags)+1]
	t := &e.Tags[len(e.Tags)-1]
	t.Key, t.Value, t.Unknown = key, value, false
	r.seen |= 1 << f // also for the two without a field: nobody else asks for none and noted
	return value, end + 1
}

// usualBrackets goes on with the Description, taken up to the ']' before i, to the first "][Reason=", and gives what usualTag does.
// As usual is a ']' before that with neither the end of the record nor a '[' behind it: key by key passes it too, as the Reason is
// still to come.
func (r *record) usualBrackets(i int) (value string, next int) {
	s := r.s
	for !beginReason.at(s, i) {
		n := strings.IndexByte(s[i:], ']')
		if n < 0 || s[skipSpace(s, i)] == '[' {
			return "", len(s)
		}
		i += n + 1
	}
	value = s[r.described : i-1]
	if padded(value) {
		return "", len(s)
	}
	r.e.Tags[len(r.e.Tags)-1].Value = value
	return value, i
}

// verbatim leaves the record without a layout unless a field has the text of its tag.
func (r *record) verbatim(is bool) {
	if !is {
		r.layout = 0
	}
}

// isPrinted tells whether s, in which a code may be read, is that code as it is printed.
func isPrinted(s string) bool {
	return len(s) == 1 && isDigit(s[0]) || len(s) > 1 && s[0] >= '1' && s[0] <= '9'
}

// isDotted tells of values as long as most addresses whether they have neither a colon nor a slash.
func isDotted(s string) bool {
	if len(s) < 8 || len(s) > 16 {
		return false
	}
	head, tail := word(s), word(s[len(s)-8:])
	return (zeros(head^':'*ones) | zeros(tail^':'*ones) | zeros(head^'/'*ones) | zeros(tail^'/'*ones)) == 0
}

// first tells which byte of w is the first c, and is 8 if none is. For values as short as these it beats IndexByte.
func first(c byte, w uint64) int { return bits.TrailingZeros64(zeros(w^uint64(c)*ones)) / 8 }

const ones = 0x0101010101010101

// zeros has the top bit of the first byte of w that is zero set, and none before it (Warren, Hacker's Delight, section 6-1).
func zeros(w uint64) uint64 { return (w - ones) &^ w & (ones << 7) }
