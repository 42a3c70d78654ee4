package parse

import "strings"

// freeEnd finds the end of a free text by what must follow it, if that is known beforehand. Inside a list that an alert quotes
// the end is negative: the record is cut there.
func (r *record) freeEnd(k, next *tagKey) (end int, ok bool) {
	if k.field == description {
		if r.lastReason < k.value {
			return 0, false
		}
		return r.lastReason, r.keyAt(skipSpace(r.s, r.lastReason+1), next)
	}
	end, ok = r.lastTag(k.value, "App", appID, next)
	if !ok {
		end = len(r.s)
	}
	if quotesOpenList(r.s[k.value:end]) {
		r.e.Truncated = true
		return -1, true
	}
	return end, ok
}

// quotesOpenList tells whether s, which is quoted in an alert, ends inside the tag list of a quoted message.
func quotesOpenList(s string) bool {
	i := strings.LastIndex(s, "%[")
	return i >= 0 && !strings.Contains(s[i:], "]:") && !strings.Contains(s[i:], "] :")
}

// lastTag finds the last tag of field f behind from, whose key begins with word: the ']' before it, and its key. A Reason
// counts only with a number.
func (r *record) lastTag(from int, word string, f field, k *tagKey) (end int, ok bool) {
	for to := len(r.s); ; {
		n := strings.LastIndex(r.s[from:to], word)
		if n < 0 {
			return 0, false
		}
		to = from + n
		before := max(from, to-maxKey)
		open := strings.LastIndexByte(r.s[before:to], '[') + before
		if open < before {
			continue
		}
		end = skipSpaceBack(r.s, from, open) - 1
		if end < from || r.s[end] != ']' {
			continue
		}
		if r.keyAt(open, k) && k.field == f && (f != reason || r.numberAt(k.value)) {
			return end, true
		}
	}
}

// numberAt tells whether a value that is a number and closed begins at i.
func (r *record) numberAt(i int) bool {
	i = skipSpace(r.s, i)
	n := digits(r.s[i:])
	i = skipSpace(r.s, i+n)
	return n > 0 && i < len(r.s) && r.s[i] == ']'
}

// fresh tells whether k is known and was not seen yet.
func (r *record) fresh(k *tagKey) bool {
	if k.field > noted {
		return r.seen&(1<<k.field) == 0
	}
	_, seen := r.e.Tag(k.name)
	return !seen && r.p.keys.known[k.name]
}

// spoofed tells, with the list read up to end, whether the Description held something like tags: then it ends later than was
// thought, and r.lastReason says where. The signs are a parameter that comes twice and brackets in the text.
func (r *record) spoofed(end int) bool {
	if r.described == 0 || r.lastReason != 0 || !r.twice && strings.IndexByte(r.s[end+1:], ']') < 0 && !(r.apart && r.repeats()) {
		return false
	}
	var ok bool
	r.lastReason, ok = r.lastTag(r.described, "Reason", reason, new(tagKey))
	return ok
}

// repeats tells whether a key comes twice. There are at most maxTags of them.
func (r *record) repeats() bool {
	for i, t := range r.e.Tags {
		for _, u := range r.e.Tags[:i] {
			if t.Key == u.Key {
				return true
			}
		}
	}
	return false
}

// forget empties what tags filled.
func (r *record) forget() {
	e := r.e
	r.seen, r.lesser, r.twice, r.apart, r.cutKey, r.described = 0, 0, false, false, false, 0
	e.Tags = e.Tags[:0]
	e.Device, e.MAC, e.IP, e.IPv6, e.Protocol, e.Description, e.Signal = "", "", "", "", "", "", ""
	e.State, e.CallState, e.AppID, e.Cluster, e.Node, e.Part = "", "", "", "", "", ""
	e.DeviceType, e.HasDeviceType, e.Reason, e.HasReason, e.Truncated = 0, false, 0, false, false
}
