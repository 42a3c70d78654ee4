package parse

import "strings"

// keys are the names of parameters, as tags spell them and as the flat bodies before 8.x did ("Reason Code [Optional].").
type keys struct {
	known  map[string]bool
	folded map[string]string // letters and digits of a name in lower case → its spelling in tags
}

// Spellings whose letters differ from those of the tag.
var spellings = map[string]string{
	"deviceipaddress": "IPAddress", "devicemacaddress": "MACAddress", "devicedescription": "Description",
	"ipaddressattributes": "IPAddrAttributes", "detail": "AlertDetail", "rtmtalertname": "AlertName",
	"processname": "ProcessName",
}

// Parameters that the parser itself reads, known whatever the caller knows.
var ownKeys = [...]string{
	"DeviceName", "MACAddress", "IPAddress", "IPV6Address", "Protocol", "DeviceType", "Description", "Reason", "ReasonCode",
	"LastSignalReceived", "StationState", "CallState", "AppID", "ClusterID", "NodeID", "AlertName", "AlertDetail", "MatchedEvent",
	"ConnectingPort",
}

func newKeys(known []string) *keys {
	k := &keys{known: make(map[string]bool, len(known)), folded: make(map[string]string, len(known)+len(spellings))}
	for folded, key := range spellings {
		k.folded[folded] = key
	}
	for _, key := range ownKeys {
		k.add(key)
	}
	for _, key := range known {
		if !k.known[key] {
			k.add(strings.Clone(key))
		}
	}
	return k
}

func (k *keys) add(key string) {
	k.known[key] = true
	if folded := string(fold(nil, key)); k.folded[folded] == "" {
		k.folded[folded] = key
	}
}

// fold appends the letters and digits of s in lower case.
func fold(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if isAlpha(s[i]) {
			b = append(b, s[i]|0x20)
		} else if isDigit(s[i]) {
			b = append(b, s[i])
		}
	}
	return b
}

// spelling gives the spelling in tags of a name in any spelling: "Device name." is DeviceName.
func (k *keys) spelling(name string) (string, bool) {
	if len(name) > 64 {
		return "", false
	}
	var space [64]byte
	key, ok := k.folded[string(fold(space[:0], name))]
	return key, ok
}
