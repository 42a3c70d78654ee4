package reasons

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// The numbers are those of the documents and traces from which the tables were taken.
func TestCounts(t *testing.T) {
	c := catalogue(t)
	f := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	tables := map[string]int{
		"EndPointUnregistered": 33, "DeviceUnregistered": 29, "EndPointTransientConnection": 35, "DeviceTransientConnection": 30,
		"StationConnectionError": 10, "SIPLineRegistrationError": 6, "CallManagerFailure": 5, "ConnectionFailure": 3,
		"BChannelOOS": 1, "DChannelOOS": 1, "SIPTrunkOOS": 6, "SIPTrunkPartiallyISV": 6, "LastOutOfServiceInformation": 42,
		"StationAlarm": 26, "DeviceApplyConfigResult.CUCM_Result": 3, "DeviceApplyConfigResult.Phone_Result": 6,
		"DeviceApplyConfigResult.Reason": 23, "DeviceConfigFailure": 4, "PowerSavePlusFailure": 5,
		"DeviceImageDownloadFailure": 18, "DeviceTLInfo": 9,
	}
	sum := 0
	for table, want := range tables {
		f(table, codes(c, table), want)
		sum += want
	}
	f("reasons", len(c.Reasons()), sum)
	f("alarms", len(c.Alarms()), 101)
	f("signals", len(c.Signals()), 54)
	f("states", len(c.States()), 11)
	f("sequences", len(c.Sequences()), 5)
	f("device types", len(c.DeviceTypes()), 255)
	f("name patterns", len(c.NamePatterns()), 18)
	f("periodic causes", len(c.PeriodicCauses()), 41)
}

func TestSeverityLowered(t *testing.T) {
	c := catalogue(t)
	f := func(alarm string, want ...uint32) {
		t.Helper()
		var got []uint32
		for _, x := range c.Reasons() {
			if x.Table == alarm && x.SeverityLowered {
				got = append(got, x.Code)
			}
		}
		if !slices.Equal(got, want) || !slices.Equal(c.Alarm(alarm).LoweredFor, want) {
			t.Errorf("%s: %v and %v, want %v", alarm, got, c.Alarm(alarm).LoweredFor, want)
		}
	}
	f("EndPointUnregistered", 8, 9, 15, 19, 20)
	f("DeviceUnregistered", 8, 9, 15)
}

func TestExpected(t *testing.T) {
	c := catalogue(t)
	f := func(alarm string, want ...uint32) {
		t.Helper()
		var got []uint32
		for _, x := range c.Reasons() {
			if x.Table == alarm && x.Expected {
				got = append(got, x.Code)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", alarm, got, want)
		}
	}
	f("EndPointUnregistered", 8, 9, 10, 15, 16, 17, 19, 20, 21, 23, 24, 28, 29, 30, 33, 34)
	f("DeviceUnregistered", 8, 9, 10, 15, 16, 17, 19, 20, 21, 23, 24, 28, 29)
	f("EndPointTransientConnection", 8, 9, 19, 20)
	f("DeviceTransientConnection", 8, 9)
	f("StationConnectionError", 0, 3, 4, 5)
}

func TestReasonName(t *testing.T) {
	c := catalogue(t)
	f := func(alarm string, code uint32, want string) {
		t.Helper()
		if got := c.ReasonName(alarm, code); got != want {
			t.Errorf("%s %d: got %q, want %q", alarm, code, got, want)
		}
	}
	f("EndPointUnregistered", 13, "KeepAliveTimeout")
	f("EndPointUnregistered", 77, "unknown code 77 for EndPointUnregistered")
	f("EndPointTransientConnection", 13, "DirectoryNumberMismatch")
	f("EndPointRegistered", 1, "unknown code 1 for EndPointRegistered")
	f("NoSuchAlarm", 13, "unknown code 13 for NoSuchAlarm")
}

func TestReasonParam(t *testing.T) {
	c := catalogue(t)
	f := func(alarm, want string) {
		t.Helper()
		if got := c.Alarm(alarm).ReasonParam; got != want {
			t.Errorf("%s: got %q, want %q", alarm, got, want)
		}
	}
	f("EndPointUnregistered", "Reason")
	f("StationConnectionError", "ReasonCode")
	f("LastOutOfServiceInformation", "ReasonForOutOfService")
	f("DeviceConfigFailure", "FailureReason")
	f("DeviceImageDownloadFailure", "FailureReason")
	f("DeviceTLInfo", "StatusCode")
	f("DeviceApplyConfigResult", "Reason")
	f("EndPointRegistered", "")
	if c.Alarm("DeviceInitError") != nil { // found in no document; the nearest is DeviceInitTimeout
		t.Error("DeviceInitError is in the catalogue")
	}
}

func TestDeviceTypes(t *testing.T) {
	c := catalogue(t)
	f := func(number uint32, model, conflict string) {
		t.Helper()
		i := slices.IndexFunc(c.DeviceTypes(), func(d DeviceType) bool { return d.Number == number })
		if got := c.Model(number); got != model {
			t.Errorf("%d: got %q, want %q", number, got, model)
		}
		if i >= 0 && c.DeviceTypes()[i].Conflict != conflict {
			t.Errorf("%d: conflict %q, want %q", number, c.DeviceTypes()[i].Conflict, conflict)
		}
	}
	f(302, "Cisco 7985", "CISCO_7989") // the alarm document contradicts the database here, and the database is right
	f(308, "Cisco 7961G-GE", "CISCO_7941G_GE")
	f(309, "Cisco 7941G-GE", "CISCO_7961G_GE")
	f(592, "Cisco 3905", "")
	f(437, "Cisco 7975", "")
	f(36354, "Cisco 9871NR", "")
	f(0, "model 0", "")
	f(4294967295, "model 4294967295", "")
	if m := c.Decode(Question{DeviceType: 99999, HasDeviceType: true}).Model; m != "" {
		t.Errorf("99999 is %q", m)
	}
}

func TestNamePatterns(t *testing.T) {
	c := catalogue(t)
	f := func(device, want string) {
		t.Helper()
		got := ""
		if k := c.Decode(Question{Device: device}).Kind; k != nil {
			got = k.Name
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", device, got, want)
		}
	}
	f("SEPE0D1730A8137", "SEP")
	f("SEPe0d1730a8137", "SEP")
	f("SEPE0D1730A813", "(free name)") // a digit short
	f("SEPE0D1730A813G", "(free name)")
	f("SEP", "(free name)")
	f("CSFJDOE", "CSF")
	f("TCTJDOE", "TCT")
	f("BOTJDOE", "BOT")
	f("TABJDOE", "TAB")
	f("AN1AE2857BE2400", "AN")
	f("ANN_2", "ANN_")
	f("ATA001122334455", "ATA")
	f("ATALANTA-SIP", "(free name)")
	f("MTP_2", "MTP_")
	f("S0/SU0/DS1-0@gw1.example.com", "(endpoint@domain)")
	f("BRI/S0/SU1/0@gw1", "(endpoint@domain)")
	f("gw1.example.com", "(domain name)")
	f("gw1..example", "(free name)")
	f(".example", "(free name)")
	f("ICT_Paris", "CCM-, ICT_")
	f("Trunk to São Paulo", "(free name)")
	f("\xff", "(free name)")
	f("", "")
}

func TestKeys(t *testing.T) {
	keys := catalogue(t).Keys()
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Error("not sorted, or a key twice")
	}
	for _, key := range strings.Split("DeviceName MACAddress IPAddress Protocol DeviceType Description Reason IPV6Address IPAddrAttributes "+
		"IPV6AddrAttributes LastSignalReceived CallState AppID ClusterID NodeID MRAStatus ConnectingPort SIPUser StationState ReasonCode "+
		"ReasonForOutOfService NeighborPortID AlertName AlertDetail MatchedEvent part", " ") {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is missing", key)
		}
	}
	for _, key := range []string{"App ID", "Cluster ID", "Node ID", "Reason code.", "Login IP Address/Hostname"} {
		if !slices.Contains(keys, key) {
			t.Errorf("%q is missing", key)
		}
	}
}

// TestRows looks at all rows as the API serves them: source and confidence everywhere, lists that are never null, ids in kebab-case.
func TestRows(t *testing.T) {
	c := catalogue(t)
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, rows := range []any{c.Alarms(), c.Reasons(), c.Signals(), c.SignalClasses(), c.States(), c.Sequences(), c.DeviceTypes(),
		c.NamePatterns(), c.Enumerations(), c.Causes(), c.PeriodicCauses()} {
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), ":null") {
			t.Errorf("%T: null in JSON", rows)
		}
		var list []map[string]any
		if err := json.Unmarshal(text, &list); err != nil || len(list) != reflect.ValueOf(rows).Len() || len(list) == 0 {
			t.Fatalf("%T: %d rows, %v", rows, len(list), err)
		}
		for _, row := range list {
			if row["source"] == "" || row["source"] == nil || row["confidence"] == "" || row["confidence"] == nil {
				t.Errorf("%T: no source or confidence: %v", rows, row)
			}
			if id, ok := row["id"].(string); ok && !kebab.MatchString(id) {
				t.Errorf("%T: id %q", rows, id)
			}
			for key := range row {
				if strings.ToLower(key) != key {
					t.Errorf("%T: key %q", rows, key)
				}
			}
		}
	}
}

func TestPeriodicCauses(t *testing.T) {
	c := catalogue(t)
	want := strings.Fields(`arp-mac-mismatch asa-h323 asa-sip-inspect asa-tcp-idle asa-xlate csf-sleep dhcp-lease dot1x-reauth drs-backup
		duplicate-registration em-max-login emcc firmware-upgrade fw-tcp-idle-other ike-rekey ipsec-rekey itl-cert jabber-mobile mab-reauth
		mgcp-keepalive nat-rebind-ip-change nat-tcp nat-udp poe-lldp port-security-aging-absolute power-save-plus primary-flap proxy-arp
		retry-mismatch-9971 retry-sccp-autoreg-6921 retry-sccp-autoreg-7945 retry-sip-7821 retry-tc-autoreg scheduled-reset
		sip-options sip-refresh-first-packet-loss stp switch-ap-reload tftp-config-loop wlan-roam-sleep wlc-session`)
	var got []string
	for _, p := range c.PeriodicCauses() {
		got = append(got, p.ID)
		switch p.ID {
		case "sip-refresh-first-packet-loss":
			if !slices.Equal(p.Periods, []float64{963, 963 + 120}) || p.OutageSeconds != 120 || !slices.Equal(p.Protocols, []string{"SIP"}) {
				t.Errorf("%+v", p)
			}
		case "retry-sccp-autoreg-6921": // 29 of EndPointTransientConnection; 29 of EndPointUnregistered is something else
			if !slices.Equal(p.Periods, []float64{22.3}) || !slices.Equal(p.Alarms, []string{"EndPointTransientConnection"}) || c.Model(p.DeviceTypes[0]) != "Cisco 6921" {
				t.Errorf("%+v", p)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestBrokenFiles changes one text in one file; New must refuse it and say where.
func TestBrokenFiles(t *testing.T) {
	f := func(file, old, replacement, want string) {
		t.Helper()
		files := tables(t)
		text := string(files[file].Data)
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not contain %q", file, old)
		}
		files[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, old, replacement, 1))}
		_, err := read(files)
		if err == nil {
			t.Errorf("%s: %q accepted", file, replacement)
		} else if ok, _ := regexp.MatchString(want, err.Error()); !ok {
			t.Errorf("%s: %q: got %v\nwant %s", file, replacement, err, want)
		}
	}
	f("reasons.csv", "EndPointUnregistered,13,", "EndPointUnregistered,12,", `reasons\.csv:\d+: EndPointUnregistered 12 stands already in line \d+`)
	f("reasons.csv", "EndPointUnregistered,13,", "EndPointUnregistered,x,", `reasons\.csv:\d+: code: "x" is not a whole number`)
	f("reasons.csv", "EndPointUnregistered,13,", "EndPointUnregistered,4000000000,", `reasons\.csv:\d+: code: "4000000000" is not a whole number below 1024`)
	f("reasons.csv", "EndPointUnregistered,13,", "EndpointUnregistered,13,", `reasons\.csv:\d+: table "EndpointUnregistered": no such alarm`)
	f("reasons.csv", "DeviceApplyConfigResult.CUCM_Result,1,", "DeviceApplyConfigResult.Result,1,", `reasons\.csv:\d+: table .* does not belong to its alarm`)
	f("reasons.csv", "KeepAliveTimeout,any,no,no", "KeepAliveTimeout,any,no,maybe", `reasons\.csv:\d+: severity_lowered is "maybe", want yes or no`)
	f("reasons.csv", "KeepAliveTimeout,any,no,no", "KeepAliveTimeout,any,no,yes", `reasons\.csv:\d+: severity_lowered does not agree`)
	f("reasons.csv", "KeepAliveTimeout,any,no,no", "KeepAliveTimeout,any,yes,no", `causes\.csv:\d+: when: expected is not that of`)
	f("reasons.csv", ",MSG MIB,documented", ",,documented", `reasons\.csv:\d+: source is empty`)
	f("reasons.csv", ",MSG MIB,documented", ",GOSSIP,documented", `reasons\.csv:\d+: source "GOSSIP" is not in sources\.csv`)
	f("reasons.csv", ",MSG MIB,documented", ",MSG MIB,", `reasons\.csv:\d+: confidence is empty`)
	f("reasons.csv", ",MSG MIB,documented", ",MSG MIB,certain", `reasons\.csv:\d+: confidence "certain" has none of the words`)
	f("reasons.csv", ",MSG MIB,documented", ",MSG MIB,documented,more", `reasons\.csv: record on line \d+: wrong number of fields`)
	f("reasons.csv", "table,code,name", "table,number,name", `reasons\.csv:\d+: column 2 is "number", want "code"`)
	f("alarms.csv", "EndPointUnregistered,UC_CALLMANAGER,3,,,down", "EndPointUnregistered,UC_CALLMANAGER,8,,,down", `alarms\.csv:\d+: severity: "8" is not a whole number below 8`)
	f("alarms.csv", "EndPointUnregistered,UC_CALLMANAGER,3,,,down", "EndPointUnregistered,UC_CALLMANAGER,3,,,gone", `alarms\.csv:\d+: unknown role "gone"`)
	f("alarms.csv", "ReasonForOutOfService,LastOutOf", "ReasonForLeaving,LastOutOf", `alarms\.csv:\d+: reason_param "ReasonForLeaving" is not in params`)
	f("alarms.csv", "DBDeviceType:Enum", "DBDevice:Enum", `alarms\.csv:\d+: no table explains the enumerated parameter DBDevice`)
	f("alarms.csv", "DBDeviceType:Enum", "DBDeviceType:Word", `alarms\.csv:\d+: params: unknown type "Word"`)
	f("signals.csv", "\nSIPAckInd,", "\nSIPAlertInd,", `signals\.csv:\d+: SIPAlertInd stands already`)
	f("signals.csv", "\nSIPConnControlInd,", "\nSIPConnectionInd,", `causes\.csv:\d+: no signal "SIPConnControlInd" in signals\.csv`)
	f("states.csv", "\nstart,", "\nwait,", `states\.csv:\d+: wait stands already`)
	f("device_types.csv", "\n592,", "\n593,", `device_types\.csv:\d+: 593 stands already`)
	f("device_types.csv", "\n592,", "\n-1,", `device_types\.csv:\d+: number: "-1" is not a whole number`)
	f("device_types.csv", "\n495,", "\n70000,", `periodic_causes\.csv:\d+: no device type 495`)
	f("device_names.csv", "phone,hex,SEP,12", "phone,hex,SEP,", `device_names\.csv:\d+: text or digits do not go with match "hex"`)
	f("device_names.csv", "phone,hex,SEP,12", "phone,regex,SEP,", `device_names\.csv:\d+: unknown match "regex"`)
	f("device_names.csv", "CSF,desktop-client", "CSF,computer", `causes\.csv:\d+: no group "desktop-client"`)
	f("enumerations.csv", "Side,,,", "Side,0,Left,", `enumerations\.csv:\d+: no row without a value stands before the values of Side`)
	f("causes.csv", "when,protocol", "if,protocol", `causes\.csv:\d+: column 2 is "if", want "when"`)
	f("causes.csv", "SuspiciousIPAddress", "SuspiciousAddress", `causes\.csv:\d+: when: no alarm "SuspiciousAddress"`)
	f("causes.csv", "SuspiciousIPAddress", "StationConnectionError 9", `causes\.csv:\d+: cause .* has the same condition as`)
	f("causes.csv", "SuspiciousIPAddress", "SuspiciousIPAddress 1", `causes\.csv:\d+: when: codes must be given for an alarm with a table, and only there`)
	f("causes.csv", ",StationConnectionError 9,", ",StationConnectionError 10,", `causes\.csv:\d+: when: StationConnectionError has no code 10`)
	f("causes.csv", ",StationConnectionError 9,", ",StationConnectionError 9 | ,", `causes\.csv:\d+: when has an empty part`)
	f("causes.csv", ",StationConnectionError 9,", ",,", `causes\.csv: no cause for StationConnectionError 9`)
	f("causes.csv", "* ?", "* 5", `causes\.csv:\d+: when: \* goes with - and \? only`)
	f("causes.csv", "* ?", "* -", `causes\.csv: no cause for an unknown code of BChannelOOS`)
	f("causes.csv", "\nphone-lost-address,", "\nproxy-arp,", `periodic_causes\.csv:\d+: proxy-arp is the id of a cause`)
	f("periodic_causes.csv", "14400 300", "14400 soon", `periodic_causes\.csv:\d+: periods: "soon" is not a positive number`)
	f("periodic_causes.csv", "14400 300", "14400 -3", `periodic_causes\.csv:\d+: periods: "-3" is not a positive number`)
	f("periodic_causes.csv", "14400 300", "14400 NaN", `periodic_causes\.csv:\d+: periods: "NaN" is not a positive number`)
	f("keys.csv", "\nMRAStatus,", "\nNodeID,", `keys\.csv:\d+: NodeID stands already`)
	f("sources.csv", "\nSEM,", "\nSEN,", `alarms\.csv:\d+: source "SEM" is not in sources\.csv`)
}

func TestMissingFile(t *testing.T) {
	for name := range tables(t) {
		files := tables(t)
		delete(files, name)
		if _, err := read(files); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// tables copies the built-in files.
func tables(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(embedded, "data/*.csv")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(name, "data/")] = &fstest.MapFile{Data: text}
	}
	return files
}
