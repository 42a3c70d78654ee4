package parse

// field is a place in the event that a parameter fills.
type field uint8

const (
	none  field = iota
	noted       // a well-known parameter without a place
	device
	mac
	ip
	otherIP // a parameter that gives the address if there is no IPAddress
	ipv6
	protocol
	deviceType
	description
	reason
	otherReason // the parameter of alarms that have no Reason
	signal
	state
	callState
	appID
	cluster
	node
	partOfMessage
	station // DeviceText, in which a phone tells its reason
	peers   // of a trunk, each with its reason
	alert   // AlertDetail and MatchedEvent, which quote whole messages
)

// fieldOf knows the parameters by their exact names; the first bunch comes with every unregistration.
func fieldOf(key string) field {
	switch key {
	case "DeviceName":
		return device
	case "IPAddress":
		return ip
	case "Protocol":
		return protocol
	case "DeviceType":
		return deviceType
	case "Description":
		return description
	case "Reason":
		return reason
	case "LastSignalReceived":
		return signal
	case "AppID":
		return appID
	case "ClusterID":
		return cluster
	case "NodeID":
		return node
	case "IPAddrAttributes", "IPV6AddrAttributes", "UserID", "LoadID", "AssociatedDNs", "PerfMonObjType", "ActiveLoadId", "InactiveLoadId",
		"ConnectingPort", "SIPUser", "ProductType", "MRAStatus":
		return noted
	case "MACAddress":
		return mac
	case "IPV6Address", "IPv6Address", "DeviceIPv6Address":
		return ipv6
	case "DeviceIPv4Address", "IPv4Address", "PeerAddr":
		return otherIP
	case "ReasonCode", "FailureReason", "ReasonForOutOfService", "StatusCode":
		return otherReason
	case "DeviceText":
		return station
	case "UnavailableRemotePeersWithReasonCode":
		return peers
	case "StationState":
		return state
	case "CallState":
		return callState
	case "AlertDetail", "MatchedEvent":
		return alert
	case "part":
		return partOfMessage
	}
	return none
}

// common tells whether every alarm ends with the parameter, whose value never has a bracket.
func (f field) common() bool { return f == appID || f == cluster || f == node }

// free tells whether the value is free text and may look like tags itself.
func (f field) free() bool { return f == description || f == alert }

// wordy tells whether the value may consist of several words, so that a line break in it stands for a space.
func (f field) wordy() bool {
	return f <= noted || f == appID || f == cluster || f == station || f == peers || f.free()
}

// set fills the field from value unless an earlier parameter did.
func (r *record) set(f field, value string) {
	e := r.e
	switch f {
	case device:
		keep(&e.Device, value)
	case mac:
		keep(&e.MAC, value)
	case ip, otherIP:
		r.setIP(f, value)
	case ipv6:
		keep(&e.IPv6, withoutLength(value))
	case protocol:
		keep(&e.Protocol, value)
	case deviceType:
		if n, ok := code(value); ok && !e.HasDeviceType {
			e.DeviceType, e.HasDeviceType = n, true
		}
	case description:
		keep(&e.Description, value)
	case reason, otherReason:
		if n, ok := code(value); ok {
			r.setReason(f, n)
		}
	case station:
		r.setStation(value)
	case peers:
		if n, ok := peersCode(value); ok {
			r.setReason(otherReason, n)
		}
	case signal:
		keep(&e.Signal, value)
	case state:
		keep(&e.State, value)
	case callState:
		keep(&e.CallState, value)
	case appID:
		keep(&e.AppID, value)
	case cluster:
		keep(&e.Cluster, value)
	case node:
		keep(&e.Node, value)
	case partOfMessage:
		keep(&e.Part, value)
	}
}

func keep(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// setReason takes the reason that the parameter f gave.
func (r *record) setReason(f field, n uint32) {
	if !r.e.HasReason || r.outranks(f, reason) {
		r.e.Reason, r.e.HasReason = n, true
		r.rank(f, otherReason)
	}
}

// withoutLength is an address without its prefix length.
func withoutLength(value string) string {
	for i := max(0, len(value)-len("/128")); i < len(value); i++ {
		if value[i] == '/' {
			return value[:i]
		}
	}
	return value
}

// setIP takes an address without its prefix length; an IPv6 address, which has a colon among its first five bytes, goes where
// it belongs.
func (r *record) setIP(f field, value string) {
	value = withoutLength(value)
	for i := 0; i < len(value) && i < 5; i++ {
		if value[i] == ':' {
			keep(&r.e.IPv6, value)
			return
		}
	}
	if value != "" && (r.e.IP == "" || r.outranks(f, ip)) {
		r.e.IP = value
		r.rank(f, otherIP)
	}
}

// outranks tells whether f is the main parameter for its place and the place was filled from a lesser one.
func (r *record) outranks(f, main field) bool { return f == main && r.lesser&(1<<(main+1)) != 0 }

// rank remembers whether a place was filled from its lesser parameter.
func (r *record) rank(f, lesser field) {
	if r.lesser &^= 1 << lesser; f == lesser {
		r.lesser |= 1 << lesser
	}
}

// code reads a number as CUCM prints it: unsigned, or a negative 32-bit number, whose bits are kept.
func code(s string) (uint32, bool) {
	if s != "" && s[0] == '-' {
		n, ok := number(s[1:], 1<<31+1)
		return -uint32(n), ok
	}
	n, ok := number(s, 1<<32)
	return uint32(n), ok
}
