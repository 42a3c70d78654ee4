package store

import (
	"strconv"
	"time"

	"flapwatch/event"
)

// eventRows are rows of the table events under construction, and beside them what the search for duplicates needs.
type eventRows struct {
	ids     []event.ID
	seconds []int64  // Unix seconds of the events' times
	devices []uint64 // hashes, see pairOf
	placed  []bool   // the id names the place of the record, not what it says

	cluster, alarm, node, appID              word
	device, ip, givenID                      text
	time                                     moment
	reason, seq                              optional[uint32]
	timeSource, clock, source, host, process word
	claimed                                  text
	lag                                      number[int64]
	pri                                      optional[uint8]
	agentSeq, deviceType                     optional[uint32]
	facility, protocol, model                word
	severity                                 number[uint8]
	mac, ipv6, description                   text
	signal, state, callState                 word
	part, text                               text
	truncated, expected                      number[bool]
	tags                                     pairs
	raw                                      text
	role, reasonName, cause                  word
	spool                                    word
	rangeEnd                                 number[uint64]
}

func (r *eventRows) columns() block {
	return block{
		{"cluster", &r.cluster}, {"device", &r.device}, {"time", &r.time}, {"alarm", &r.alarm}, {"node", &r.node},
		{"app_id", &r.appID}, {"ip", &r.ip}, {"reason", &r.reason}, {"seq", &r.seq}, {"given_id", &r.givenID},
		{"time_source", &r.timeSource}, {"claimed", &r.claimed}, {"clock", &r.clock}, {"lag", &r.lag},
		{"source", &r.source}, {"host", &r.host}, {"process", &r.process}, {"pri", &r.pri}, {"agent_seq", &r.agentSeq},
		{"facility", &r.facility}, {"severity", &r.severity}, {"mac", &r.mac}, {"ipv6", &r.ipv6},
		{"protocol", &r.protocol}, {"description", &r.description}, {"device_type", &r.deviceType}, {"model", &r.model},
		{"signal", &r.signal}, {"state", &r.state}, {"call_state", &r.callState}, {"part", &r.part}, {"text", &r.text},
		{"truncated", &r.truncated}, {"tags", &r.tags}, {"raw", &r.raw}, {"role", &r.role}, {"expected", &r.expected},
		{"reason_name", &r.reasonName}, {"cause", &r.cause}, {"spool", &r.spool}, {"range_end", &r.rangeEnd},
	}
}

func (r *eventRows) add(e *event.Row, spool string) {
	given := !identifiable(&e.Event)
	r.ids = append(r.ids, e.ID)
	r.seconds = append(r.seconds, e.Time.Unix())
	r.devices = append(r.devices, hashDevice(e.Device))
	r.placed = append(r.placed, e.TimeSource == event.FromReceipt)
	r.addKey(&e.Event, given)
	r.addEnvelope(&e.Event)
	r.addBody(&e.Event)
	r.role.add(e.Role.String())
	r.expected.add(e.Expected)
	r.reasonName.add(e.Names.Reason)
	r.cause.add(e.Cause)
	r.model.add(e.Model)
	r.spool.add(spool)
}

// close gives all rows the end of their stretch.
func (r *eventRows) close(next uint64) {
	r.rangeEnd.reset()
	for range r.ids {
		r.rangeEnd.add(next)
	}
}

// forget empties what columns does not name.
func (r *eventRows) forget() {
	r.ids, r.seconds, r.devices, r.placed = r.ids[:0], r.seconds[:0], r.devices[:0], r.placed[:0]
}

// record gives back what the table unparsed needs of a row.
func (r *eventRows) record(row int32) event.Event {
	one := []int32{row}
	e := event.Event{ID: r.ids[row], Source: r.source.values(one).([]string)[0]}
	e.Received = time.UnixMilli(r.time.v[row] + r.lag.v[row])
	e.Raw = decodeRaw(r.raw.values(one).([]string)[0], &e)
	return e
}

// addKey adds the columns of the sorting key.
func (r *eventRows) addKey(e *event.Event, given bool) {
	r.cluster.add(e.Cluster)
	r.device.add(e.Device)
	r.time.add(e.Time.UnixMilli())
	r.alarm.add(e.Alarm)
	r.node.add(e.Node)
	r.appID.add(e.AppID)
	r.ip.add(e.IP)
	r.reason.add(e.Reason, e.HasReason)
	r.seq.add(e.Seq, e.HasSeq)
	if given {
		r.givenID.addBytes(e.ID[:])
	} else {
		r.givenID.add("")
	}
}

func (r *eventRows) addEnvelope(e *event.Event) {
	r.timeSource.add(e.TimeSource.String())
	r.claimed.add(e.Claimed)
	r.clock.add(e.Clock)
	r.lag.add(e.Received.UnixMilli() - e.Time.UnixMilli())
	r.source.add(e.Source)
	r.host.add(e.Host)
	r.process.add(e.Process)
	r.pri.add(e.PRI, e.HasPRI)
	r.agentSeq.add(e.AgentSeq, e.HasAgentSeq)
	r.facility.add(e.Facility)
	r.severity.add(e.Severity)
}

func (r *eventRows) addBody(e *event.Event) {
	r.mac.add(e.MAC)
	r.ipv6.add(e.IPv6)
	r.protocol.add(e.Protocol)
	r.description.add(e.Description)
	r.deviceType.add(e.DeviceType, e.HasDeviceType)
	r.signal.add(e.Signal)
	r.state.add(e.State)
	r.callState.add(e.CallState)
	r.part.add(e.Part)
	r.text.add(e.Text)
	r.truncated.add(e.Truncated)
	r.addTags(e)
	r.raw.add(encodeRaw(e))
}

// unknownTag goes before the key of a tag that the node's own catalogue did not know, as the node sends it.
const unknownTag = "UNKNOWN_PARAMNAME:"

// addTags keeps the tags that no other column gives back.
func (r *eventRows) addTags(e *event.Event) {
	for i := range e.Tags {
		t := &e.Tags[i]
		switch {
		case t.Unknown:
			r.tags.pair(unknownTag+t.Key, t.Value)
		case !hasColumn(e, t):
			r.tags.pair(t.Key, t.Value)
		}
	}
	r.tags.end()
}

// hasColumn says whether the tag's value stands in a column of its own, letter for letter.
func hasColumn(e *event.Event, t *event.Tag) bool {
	switch t.Key {
	case "DeviceName":
		return t.Value == e.Device
	case "MACAddress":
		return t.Value == e.MAC
	case "IPAddress":
		return t.Value == e.IP
	case "IPV6Address":
		return t.Value == e.IPv6
	case "Protocol":
		return t.Value == e.Protocol
	case "Description":
		return t.Value == e.Description
	case "DeviceType":
		return isNumber(t.Value, e.DeviceType, e.HasDeviceType)
	case "Reason":
		return isNumber(t.Value, e.Reason, e.HasReason)
	case "LastSignalReceived":
		return t.Value == e.Signal
	case "StationState":
		return t.Value == e.State
	case "CallState":
		return t.Value == e.CallState
	case "AppID":
		return t.Value == e.AppID
	case "ClusterID":
		return t.Value == e.Cluster
	case "NodeID":
		return t.Value == e.Node
	}
	return false
}

// isNumber says whether s is n in decimal digits, without a zero before them.
func isNumber(s string, n uint32, has bool) bool {
	if !has || len(s) > 1 && s[0] == '0' {
		return false
	}
	v, err := strconv.ParseUint(s, 10, 32)
	return err == nil && uint32(v) == n
}
