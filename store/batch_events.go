package store

import (
	"time"

	"flapwatch/event"
)

// eventRows are rows of the table events under construction, and beside them what the search for duplicates needs.
type eventRows struct {
	ids     []event.ID
	seconds []int64 // Unix seconds of the events' times
	placed  []bool  // the id names the place of the record, not what it says

	cluster, alarm, node, appID word
	device, ip, givenID         text
	time                        moment
	reason, seq                 optional[uint32]
	sender                      packedWord[senderWords]
	said                        packedWord[saidWords]
	phone                       text // packed by addPhone, nearly as many as rows
	claimed                     text
	lag                         number[int64]
	agentSeq                    optional[uint32]
	part                        text
	tags                        pairs
	raw                         text // of records without a form
	rangeEnd                    number[uint64]

	packed packed
	former former
	clock  clockText
	kept   []byte // of the time as sent
	places [64]numbered
}

// numbered are the words that an ending gives to columns.
type numbered struct {
	ending               *event.Ending
	cluster, node, appID uint32
}

func (r *eventRows) columns() block {
	return block{
		{"cluster", &r.cluster}, {"device", &r.device}, {"time", &r.time}, {"alarm", &r.alarm}, {"node", &r.node},
		{"app_id", &r.appID}, {"ip", &r.ip}, {"reason", &r.reason}, {"seq", &r.seq}, {"given_id", &r.givenID},
		{"sender", &r.sender}, {"phone", &r.phone}, {"said", &r.said}, {"claimed", &r.claimed}, {"lag", &r.lag},
		{"agent_seq", &r.agentSeq}, {"part", &r.part}, {"tags", &r.tags}, {"raw", &r.raw}, {"range_end", &r.rangeEnd},
	}
}

// add adds a row. given says that its id came with it, of whatever making.
func (r *eventRows) add(e *event.Row, spool string, given bool) {
	r.ids = append(r.ids, e.ID)
	r.seconds = append(r.seconds, e.Time.Unix())
	r.placed = append(r.placed, e.TimeSource == event.FromReceipt)
	r.addKey(&e.Event, !identified(&e.Event, given))
	laid := r.former.laidOut(&e.Event)
	r.addSender(&e.Event, spool, laid != nil)
	r.addPhone(e, laid != nil)
	r.addSaid(e, r.addForm(&e.Event, laid))
}

// close gives all rows the end of their stretch.
func (r *eventRows) close(next uint64) {
	r.rangeEnd.reset()
	for range r.ids {
		r.rangeEnd.add(next)
	}
}

// take appends rows of others, as they are.
func (r *eventRows) take(from *eventRows, rows []int32) {
	for _, row := range rows {
		r.ids, r.seconds, r.placed = append(r.ids, from.ids[row]), append(r.seconds, from.seconds[row]), append(r.placed, from.placed[row])
	}
	r.columns().take(from.columns(), rows)
}

// forget empties what columns does not name.
func (r *eventRows) forget() {
	r.ids, r.seconds, r.placed = r.ids[:0], r.seconds[:0], r.placed[:0]
	clear(r.places[:])
}

// row gives back what was added, as it is read from ClickHouse.
func (r *eventRows) row(i int32) (e event.Row) {
	e.ID, e.Time = r.ids[i], time.UnixMilli(r.time.v[i]).UTC()
	e.Received = e.Time.Add(time.Duration(r.lag.v[i]) * time.Millisecond)
	e.Cluster, e.Alarm, e.Node, e.AppID = r.cluster.at(i), r.alarm.at(i), r.node.at(i), r.appID.at(i)
	e.Device, e.IP, e.Part = r.device.string(i), r.ip.string(i), r.part.string(i)
	e.Event.Reason, e.HasReason = r.reason.at(i)
	e.Seq, e.HasSeq = r.seq.at(i)
	e.AgentSeq, e.HasAgentSeq = r.agentSeq.at(i)
	unfoldSender(&e, r.sender.at(i))
	unfoldPhone(&e, r.phone.string(i))
	form := unfoldSaid(&e, r.said.at(i))
	e.Tags = tagsOf(r.tags.at(i))
	e.Claimed = claimedOf(r.claimed.string(i), &e.Event)
	e.Raw = rawOf(r.raw.string(i), form, &e.Event)
	return e
}

// addKey adds the columns of the sorting key.
func (r *eventRows) addKey(e *event.Event, given bool) {
	r.addPlace(e)
	r.device.add(e.Device)
	r.time.add(e.Time.UnixMilli())
	r.alarm.add(e.Alarm)
	r.ip.add(e.IP)
	r.reason.add(e.Reason, e.HasReason)
	r.seq.add(e.Seq, e.HasSeq)
	if given {
		r.givenID.addBytes(e.ID[:])
	} else {
		r.givenID.add("")
	}
}

// addPlace adds where the alarm was raised.
func (r *eventRows) addPlace(e *event.Event) {
	if e.Ending == nil {
		r.cluster.add(e.Cluster)
		r.node.add(e.Node)
		r.appID.add(e.AppID)
		return
	}
	p := &r.places[e.Ending.Hash%uint64(len(r.places))]
	if p.ending != e.Ending {
		*p = numbered{e.Ending, r.cluster.numberOf(e.Cluster), r.node.numberOf(e.Node), r.appID.numberOf(e.AppID)}
	}
	r.cluster.addNumber(p.cluster)
	r.node.addNumber(p.node)
	r.appID.addNumber(p.appID)
}

// addSender adds what the envelope says.
func (r *eventRows) addSender(e *event.Event, spool string, laid bool) {
	r.sender.addPacked(&r.packed, hint(e.Source)+hint(e.Host), &senderWords{
		e.TimeSource, e.Clock, e.Source, e.Host, e.Process, e.PRI, e.HasPRI, e.Truncated, spool,
	}, e)
	if laid {
		r.claimed.add(usualClaimed)
	} else {
		r.kept = r.clock.appendClaimed(r.kept[:0], e)
		r.claimed.addBytes(r.kept)
	}
	r.lag.add(e.Received.UnixMilli() - e.Time.UnixMilli())
	r.agentSeq.add(e.AgentSeq, e.HasAgentSeq)
	r.part.add(e.Part)
}

// addPhone adds what changes with the device.
func (r *eventRows) addPhone(e *event.Row, laid bool) {
	r.phone.addBytes(r.packed.pack(laid,
		e.MAC, e.IPv6, e.Protocol, e.Description, r.packed.number(e.DeviceType, e.HasDeviceType), e.Model))
}

// addSaid adds what the alarm says and means.
func (r *eventRows) addSaid(e *event.Row, form string) {
	words := saidBy(e, form)
	r.said.addPacked(&r.packed, words.hint(), &words, &e.Event)
}

// addForm adds the tags that no other column gives back, and the record where it has no form, which is given back.
func (r *eventRows) addForm(e *event.Event, laid *laidOut) string {
	form := r.formOf(e, laid)
	r.tags.end()
	if form == "" || len(r.said.words) >= maxForms {
		r.raw.add(e.Raw)
		return ""
	}
	r.raw.add("")
	return form
}

// formOf gives the form of a record, and adds its tags. It is known by the layout, or by a look at the record, or made.
func (r *eventRows) formOf(e *event.Event, laid *laidOut) string {
	f := &r.former
	if laid != nil {
		r.addTags(e, laid.kept)
		return laid.form
	}
	if k := f.kinds.of(e); k != nil {
		r.addTags(e, k.kept)
		return k.form
	}
	if made := string(f.make(e, r.addTag)); made != "" && f.learn(e, made) {
		return made
	}
	return ""
}

func (r *eventRows) addTags(e *event.Event, places []int) {
	for _, i := range places {
		r.addTag(&e.Tags[i])
	}
}

func (r *eventRows) addTag(t *event.Tag) {
	if t.Unknown {
		r.tags.pair(unknownTag+t.Key, t.Value)
		return
	}
	r.tags.pair(t.Key, t.Value)
}

// rawOf gives the record as it came.
func rawOf(raw, form string, e *event.Event) string {
	if form == "" {
		return raw
	}
	return fill(form, e)
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
