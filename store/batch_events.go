package store

import (
	"time"
	"unsafe"

	"flapwatch/event"
)

// eventRows are rows of the table events under construction, and beside them what the search for duplicates needs.
type eventRows struct {
	ids    []event.ID
	placed []bool // the id names the place of the record, not what it says

	cluster              word
	device, ip, givenID  text
	time                 moment
	number               number[int64] // seq, noNumber where there is none
	origin, sender, said word          // packed by alikeTo
	phone                text          // packed by addPhone, nearly as many as rows
	lag                  number[int64]
	rest                 text // packed by addRest
	rangeEnd             constant

	packed packed
	former former
	clock  clockText
	kept   []byte // of the time as sent
	recent alikes
	values []string // of rest
}

func (r *eventRows) columns() block {
	return block{
		{"cluster", &r.cluster}, {"device", &r.device}, {"time", &r.time}, {"number", &r.number}, {"origin", &r.origin},
		{"ip", &r.ip}, {"given_id", &r.givenID}, {"sender", &r.sender}, {"phone", &r.phone}, {"said", &r.said},
		{"lag", &r.lag}, {"rest", &r.rest}, {"range_end", &r.rangeEnd},
	}
}

// add adds a row. given says that its id came with it, of whatever making.
func (r *eventRows) add(e *event.Row, spool string, given bool) {
	r.ids = append(doubled(r.ids), e.ID)
	r.placed = append(doubled(r.placed), e.TimeSource == event.FromReceipt)
	form := ""
	r.values = append(r.values[:0], "", "", "")
	if e.Layout == 0 {
		form = r.formOf(&e.Event)
	}
	a := r.alikeTo(e, form, spool)
	r.addKey(&e.Event, a, !identified(&e.Event, given))
	r.sender.addNumber(a.sender)
	r.said.addNumber(a.said)
	r.lag.add(e.Received.UnixMilli() - e.Time.UnixMilli())
	r.addPhone(e, e.Layout != 0 && a.form != "")
	if !a.settled || e.HasAgentSeq {
		r.rest.add(r.restOf(&e.Event, a))
	} else {
		r.rest.add(a.rest)
	}
}

// second is the Unix second of the event in a row.
func (r *eventRows) second(row int32) int64 { return r.time.v[row] / 1000 }

// close gives all rows the end of their stretch.
func (r *eventRows) close(next uint64) { r.rangeEnd = constant{next, len(r.ids)} }

// take appends rows of others, as they are.
func (r *eventRows) take(from *eventRows, rows []int32) {
	for _, row := range rows {
		r.ids, r.placed = append(r.ids, from.ids[row]), append(r.placed, from.placed[row])
	}
	r.columns().take(from.columns(), rows)
}

// forget empties what columns does not name.
func (r *eventRows) forget() {
	r.ids, r.placed = r.ids[:0], r.placed[:0]
	clear(r.recent[:])
}

// row gives back what was added, as it is read from ClickHouse.
func (r *eventRows) row(i int32) (e event.Row) {
	e.ID, e.Time = r.ids[i], time.UnixMilli(r.time.v[i]).UTC()
	e.Received = e.Time.Add(time.Duration(r.lag.v[i]) * time.Millisecond)
	e.Cluster, e.Device, e.IP = r.cluster.at(i), r.device.string(i), r.ip.string(i)
	unfoldKey(&e.Event, r.number.v[i], r.origin.at(i))
	unfoldSender(&e, r.sender.at(i))
	unfoldPhone(&e, r.phone.string(i))
	form := unfoldSaid(&e, r.said.at(i))
	unfoldRest(&e.Event, r.rest.string(i), form)
	return e
}

// addKey adds the columns of the sorting key.
func (r *eventRows) addKey(e *event.Event, a *alike, given bool) {
	r.cluster.addNumber(a.cluster)
	r.device.add(e.Device)
	r.time.add(e.Time.UnixMilli())
	if e.HasSeq {
		r.number.add(int64(e.Seq))
	} else {
		r.number.add(noNumber)
	}
	r.origin.addNumber(a.origin)
	r.ip.add(e.IP)
	if given {
		r.givenID.addBytes(e.ID[:])
	} else {
		r.givenID.add("")
	}
}

// noNumber is the number of an event that has none.
const noNumber = -1

// restOf gives what is nearly always empty, see unfoldRest. It is valid until the next is made.
func (r *eventRows) restOf(e *event.Event, a *alike) string {
	for _, i := range a.kept {
		r.addTag(&e.Tags[i])
	}
	if e.Layout == 0 || a.form == "" {
		r.kept = r.clock.appendClaimed(r.kept[:0], e)
		r.values[0] = unsafe.String(unsafe.SliceData(r.kept), len(r.kept))
	}
	r.values[1] = r.packed.number(e.AgentSeq, e.HasAgentSeq)
	if a.form == "" {
		r.values[2] = e.Raw
	}
	if len(r.values) == 3 && r.values[0]+r.values[1]+r.values[2] == "" {
		return ""
	}
	return r.packed.pack(r.values...)
}

// addPhone adds what changes with the device.
func (r *eventRows) addPhone(e *event.Row, laid bool) {
	deviceType := r.packed.number(e.DeviceType, e.HasDeviceType)
	if laid {
		r.phone.addPlain(e.MAC, e.IPv6, e.Protocol, e.Description, deviceType, e.Model)
	} else {
		r.phone.add(r.packed.pack(e.MAC, e.IPv6, e.Protocol, e.Description, deviceType, e.Model))
	}
}

// formOf gives the form of a record without a layout, and adds its tags. It is known by a look at the record, or made; empty where there
// is none.
func (r *eventRows) formOf(e *event.Event) string {
	f := &r.former
	if k := f.kinds.of(e); k != nil {
		for _, i := range k.kept {
			r.addTag(&e.Tags[i])
		}
		return k.form
	}
	if made := string(f.make(e, r.addTag)); made != "" && f.learn(e, made) {
		return made
	}
	return ""
}

func (r *eventRows) addTag(t *event.Tag) {
	key := t.Key
	if t.Unknown {
		key = unknownTag + key
	}
	r.values = append(r.values, key, t.Value)
}

// unknownTag goes before the key of a tag that the node's own catalogue did not know, as the node sends it.
const unknownTag = "UNKNOWN_PARAMNAME:"

// columnOf names the column that holds the tag's value, letter for letter; "" is none.
func columnOf(e *event.Event, t *event.Tag) string {
	if name := tagColumns[t.Key]; name != "" && holds(e, t, name) {
		return name
	}
	return ""
}

// holds says whether the column called name holds the tag's value.
func holds(e *event.Event, t *event.Tag, name string) bool {
	switch place, at, has := placeOf(name); place {
	case atText:
		return t.Value == *at.text(e)
	case atNumber:
		n := leads(t.Value, *at.number(e))
		return n > 0 && n == len(t.Value) && *has.flag(e)
	}
	return false
}

// tagColumns are the tags that have columns.
var tagColumns = map[string]string{
	"DeviceName": "device", "MACAddress": "mac", "IPAddress": "ip", "IPV6Address": "ipv6", "Protocol": "protocol",
	"Description": "description", "DeviceType": "device_type", "Reason": "reason", "LastSignalReceived": "signal",
	"StationState": "state", "CallState": "call_state", "AppID": "app_id", "ClusterID": "cluster", "NodeID": "node",
}
