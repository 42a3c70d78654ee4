package simulate

import (
	"strconv"
	"time"
)

// kind is the alarm that a message carries.
type kind uint8

const (
	_ kind = iota
	unregistered
	registered
	resetInitiated
	restartInitiated
	audit
)

// message is one alarm, about to be sent.
type message struct {
	kind   kind
	at     time.Duration // since the beginning of the play, whole milliseconds
	source *source
	phone  *phone // the device that it speaks of
	reason uint8  // of unregistered
}

// severity as CUCM sends it: normal unregistrations are lowered to 6 (System Error Messages 15,
// EndPointUnregistered).
func (m message) severity() int {
	switch m.kind {
	case unregistered:
		switch m.reason {
		case 8, 9, 15, 19, 20:
			return 6
		}
		return 3
	case audit:
		return 5
	}
	return 6
}

// local7 is the syslog facility, already in its place of PRI (RFC 5424 section 6.2.1).
const local7 = 23 * 8

// append writes the message as a node sends it on its own: <PRI>SEQ: HOST: TIME UTC :  %HEADER: %[TAGS]: TEXT.
func (m message) append(b []byte, seq uint32, severity int, at time.Time, s *stamp) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(local7+severity), 10)
	b = append(b, '>')
	b = strconv.AppendUint(b, uint64(seq), 10)
	b = append(b, ": "...)
	if m.kind == audit {
		return m.appendAudit(b, at)
	}
	b = append(b, m.source.host...)
	b = append(b, ": "...)
	b = s.append(b, at)
	b = append(b, " UTC :  %UC_CALLMANAGER-"...)
	b = strconv.AppendInt(b, int64(severity), 10)
	switch m.kind {
	case unregistered:
		b = m.appendUnregistered(b)
	case registered:
		b = m.appendRegistered(b)
	case resetInitiated:
		b = m.appendInitiated(b, "Reset")
	case restartInitiated:
		b = m.appendInitiated(b, "Restart")
	}
	return b
}

// appendUnregistered: order of the parameters as in real alarms of both protocols. SIP names the last
// signal; SCCP the MAC address, after the reason, and no signal.
func (m message) appendUnregistered(b []byte) []byte {
	p := m.phone
	b = tag(append(b, "-EndPointUnregistered: %"...), "DeviceName", p.name)
	b = tag(b, "IPAddress", p.ip)
	b = tag(b, "Protocol", p.model.protocol)
	b = number(b, "DeviceType", p.model.number)
	b = tag(b, "Description", p.description)
	b = number(b, "Reason", int(m.reason))
	if p.model.protocol == "SCCP" {
		b = tag(b, "MACAddress", p.mac)
		b = append(b, "[IPAddrAttributes=3]"...)
	} else {
		b = append(b, "[IPAddrAttributes=0]"...)
		b = tag(b, "LastSignalReceived", lastSignal(m.reason))
	}
	return append(m.appendSender(b), ": An endpoint has unregistered"...)
}

// lastSignal is what a SIP station process heard last before the reason.
func lastSignal(reason uint8) string {
	switch reason {
	case 6:
		return "SIPConnControlInd"
	case 13:
		return "SIPStationDPrimaryLineTimeout"
	}
	return "SIPRegisterInd"
}

func (m message) appendRegistered(b []byte) []byte {
	p := m.phone
	b = tag(append(b, "-EndPointRegistered: %"...), "DeviceName", p.name)
	b = tag(b, "MACAddress", p.mac)
	b = tag(b, "IPAddress", p.ip)
	b = tag(b, "Protocol", p.model.protocol)
	b = tag(b, "Description", p.description)
	b = tag(b, "UserID", p.user)
	b = tag(b, "LoadID", p.model.load)
	b = tag(b, "AssociatedDNs", p.numbers)
	b = append(b, "[PerfMonObjType=2]"...)
	b = number(b, "DeviceType", p.model.number)
	b = append(b, "[IPAddrAttributes=3]"...)
	b = tag(b, "ActiveLoadId", p.model.load)
	b = tag(b, "InactiveLoadId", "")
	return append(m.appendSender(b), ": Endpoint registered."...)
}

// appendInitiated: no public line of this alarm was found; parameters in the documented order.
func (m message) appendInitiated(b []byte, what string) []byte {
	p := m.phone
	b = append(append(append(b, "-EndPoint"...), what...), "Initiated: %"...)
	b = tag(b, "DeviceName", p.name)
	b = tag(b, "ProductType", p.model.name)
	b = number(b, "DeviceType", p.model.number)
	b = append(append(m.appendSender(b), ": Endpoint "...), what...)
	return append(b, " initiated"...)
}

// appendSender writes the three parameters that end every list.
func (m message) appendSender(b []byte) []byte {
	b = tag(b, "AppID", m.source.process)
	b = tag(b, "ClusterID", clusterID)
	return tag(b, "NodeID", m.source.node)
}

// appendAudit is a line of the audit log, which has no host, a clock of twelve hours with the
// milliseconds behind AM or PM, and keys with blanks.
func (m message) appendAudit(b []byte, at time.Time) []byte {
	b = at.UTC().AppendFormat(b, "Jan 2 2006 03:04:05 PM")
	b = appendMillis(append(b, '.'), at)
	b = append(b, " UTC :  %UC_AUDITLOG-5-AdministrativeEvent: %[ UserID =administrator][ ClientAddress =10.60.250.20]"+
		"[ Severity =5][ EventType =GeneralConfigurationUpdate][ ResourceAccessed=CUCMAdmin][ EventStatus =Success]"+
		"[ CompulsoryEvent =No][ AuditCategory =AdministrativeEvent][ ComponentID =Cisco CUCM Administration]"+
		"[ AuditDetails =record in table device, with key field name = "...)
	b = append(b, m.phone.name...)
	b = append(b, " updated]"...)
	b = tag(b, "App ID", m.source.process)
	b = tag(b, "Cluster ID", "")
	b = tag(b, "Node ID", m.source.node)
	return append(b, ": Audit Event is generated by this application"...)
}

// tag writes [key=value].
func tag(b []byte, key, value string) []byte {
	b = append(append(append(b, '['), key...), '=')
	return append(append(b, value...), ']')
}

// number writes [key=value] for a number.
func number(b []byte, key string, value int) []byte {
	b = append(append(append(b, '['), key...), '=')
	return append(strconv.AppendInt(b, int64(value), 10), ']')
}

// stamp writes times as CallManager does, "Jul 02 2015 06:22:31.123", and keeps the text of the
// last second.
type stamp struct {
	second int64
	text   []byte
}

func (s *stamp) append(b []byte, at time.Time) []byte {
	if u := at.Unix(); u != s.second || s.text == nil {
		s.second = u
		s.text = at.UTC().AppendFormat(s.text[:0], "Jan 02 2006 15:04:05.")
	}
	return appendMillis(append(b, s.text...), at)
}

// appendMillis writes three digits.
func appendMillis(b []byte, at time.Time) []byte {
	ms := at.Nanosecond() / int(time.Millisecond)
	return append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}
