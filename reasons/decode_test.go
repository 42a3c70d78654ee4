package reasons

import (
	"strings"
	"testing"
)

var seed = Question{
	Alarm: "EndPointUnregistered", Code: 13, HasCode: true, Signal: "SIPStationDPrimaryLineTimeout", Protocol: "SIP",
	Device: "SEPE0D1730A8137", DeviceType: 592, HasDeviceType: true,
}

func catalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSeedLine(t *testing.T) {
	a := catalogue(t).Decode(seed)
	if a.Model != "Cisco 3905" || a.Reason.Name != "KeepAliveTimeout" || a.Kind.Group != "phone" || a.Signal.Kind != "timer" || a.Reason.Expected {
		t.Errorf("%+v", a)
	}
	for _, want := range []string{"timer for the primary line", "130 s", "120 s and 10 s more", "no REGISTER keepalive arrived in time"} {
		if !strings.Contains(a.Cause.Text, want) {
			t.Errorf("the cause does not say %q: %s", want, a.Cause.Text)
		}
	}
	if a.Cause.ID != "sip-primary-line-timeout" || len(a.Cause.Checks) < 3 {
		t.Errorf("%+v", a.Cause)
	}
}

// TestDecode reads "alarm code protocol signal state device", "-" for what was not sent, and gives "reason cause".
func TestDecode(t *testing.T) {
	c := catalogue(t)
	f := func(question, want string) {
		t.Helper()
		w := strings.Fields(question)
		for i := range w {
			if w[i] == "-" {
				w[i] = ""
			}
		}
		q := Question{Alarm: w[0], Protocol: w[2], Signal: w[3], State: w[4], Device: w[5]}
		for _, d := range w[1] {
			q.Code, q.HasCode = q.Code*10+uint32(d-'0'), true
		}
		a := c.Decode(q)
		got := "nil"
		if a.Reason != nil {
			got = a.Reason.Name
		}
		if a.Cause == nil {
			got += " nil"
		} else {
			got += " " + a.Cause.ID
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", question, got, want)
		}
	}

	// the same number is another reason elsewhere
	f("EndPointUnregistered 13 - - - -", "KeepAliveTimeout keepalive-timeout")
	f("DeviceUnregistered 13 - - - -", "KeepAliveTimeout keepalive-timeout")
	f("EndPointTransientConnection 13 SIP - - -", "DirectoryNumberMismatch directory-number-mismatch")
	f("DeviceTransientConnection 13 SIP - - -", "DirectoryNumberMismatch directory-number-mismatch")
	f("LastOutOfServiceInformation 13 - - - -", "TCPucmAbortedConnection phone-saw-node-close")
	f("StationConnectionError 2 - - - -", "keepAliveTimeout keepalive-timeout")
	f("SIPLineRegistrationError 2 SIP - - -", "MisconfiguredDirectoryNumber directory-number-mismatch")
	f("EndPointUnregistered 10 - - - -", "DeviceUnregistered device-signed-off")
	f("EndPointTransientConnection 10 - - - -", "AuthenticationError authentication-failed")
	f("SIPTrunkOOS 3 - - - -", "DNSQueryFailed trunk-peer-name-unresolved")
	f("SIPTrunkOOS 503 - - - -", "ServiceUnavailable trunk-peer-unavailable")
	f("DeviceApplyConfigResult 6 - - - -", "TFTP server error configuration-not-fetched")

	// codes that are in no table, or were not sent
	f("EndPointUnregistered 77 SIP - - -", "nil unknown-code")
	f("EndPointUnregistered 27 SIP SIPRegisterInd - -", "nil unknown-code")
	f("EndPointUnregistered 4294967295 SIP - - -", "nil unknown-code")
	f("DeviceUnregistered 31 - - - -", "nil unknown-code")
	f("SIPLineRegistrationError 5 SIP - - -", "nil unknown-code")
	f("EndPointUnregistered - SIP SIPStationDPrimaryLineTimeout - -", "nil no-code")
	f("SIPTrunkOOS - - - - -", "nil trunk-peers-unusable")
	f("CallManagerFailure - - - - -", "nil node-failed")

	// alarms without a table, of no interest, or unknown
	f("MGCPGatewayLostComm - - - - gw1.example.com", "nil mgcp-gateway-lost")
	f("SSLorTCPConnectionFailure 5 - - - -", "nil peer-connection-failed")
	f("EndPointRegistered - SIP - - SEP001122334455", "nil nil")
	f("NoSuchAlarm 13 SIP SIPStationDPrimaryLineTimeout - SEP001122334455", "nil nil")
	f("endpointunregistered 13 SIP - - -", "nil nil")

	// signal, protocol, state and kind of device decide
	f("EndPointUnregistered 13 SIP SIPStationDPrimaryLineTimeout - SEPE0D1730A8137", "KeepAliveTimeout sip-primary-line-timeout")
	f("EndPointUnregistered 13 SIP SIPSetupInd - SEPE0D1730A8137", "KeepAliveTimeout sip-keepalive-lost-device-talking")
	f("EndPointUnregistered 13 SIP SIPSomethingNewInd - -", "KeepAliveTimeout sip-keepalive-lost-device-talking")
	f("EndPointUnregistered 13 SIP StationClose - -", "KeepAliveTimeout sip-keepalive-timeout")
	f("EndPointUnregistered 13 SCCP StationKeepAlive - -", "KeepAliveTimeout sccp-keepalives-missed")
	f("EndPointUnregistered 13 SCCP - - -", "KeepAliveTimeout sccp-keepalives-missed")
	f("EndPointUnregistered 13 SIP SIPStationDPrimaryLineTimeout - CSFJDOE", "KeepAliveTimeout soft-client-silent")
	f("EndPointUnregistered 13 SIP SIPStationDPrimaryLineTimeout - TCTJDOE", "KeepAliveTimeout mobile-client-silent")
	f("EndPointUnregistered 6 SCCP - - -", "ConnectivityError sccp-socket-lost")
	f("EndPointUnregistered 6 SIP SIPConnControlInd - -", "ConnectivityError sip-connection-closed")
	f("EndPointUnregistered 6 SIP - - -", "ConnectivityError connection-lost")
	f("EndPointUnregistered 8 SIP SIPRegisterInd - -", "DeviceInitiatedReset sip-sign-off-own-restart")
	f("EndPointUnregistered 8 SCCP - - -", "DeviceInitiatedReset device-restarted-itself")
	f("EndPointUnregistered 9 SIP SIPRegisterInd - -", "CallManagerReset sip-sign-off-after-reset")
	f("EndPointUnregistered 15 SIP SIPRegisterInd - -", "CallManagerRestart sip-sign-off-after-restart")
	f("EndPointUnregistered 17 SIP SIPRegisterInd - -", "CallManagerApplyConfig sip-sign-off-after-apply-config")
	f("EndPointUnregistered 10 SIP SIPRegisterInd - -", "DeviceUnregistered sip-device-signed-off")
	f("EndPointUnregistered 28 SIP SIPRegisterInd - -", "FallbackInitiated sip-sign-off-to-go-home")
	f("EndPointUnregistered 18 SIP SIPStationDSubscriptionTerminationTimer - -", "DeviceNoResponse sip-reset-not-answered")
	f("EndPointUnregistered 12 SCCP - - -", "SCCPDeviceThrottling sccp-throttled")
	f("EndPointTransientConnection 29 SCCP DbStationAutoRegisterErr auto_register -", "AutoRegisterDBError unknown-device-retrying")
	f("EndPointTransientConnection 29 SIP DbStationAutoRegisterErr auto_register -", "AutoRegisterDBError unknown-device-retrying")
	f("EndPointTransientConnection 29 SIP - - -", "AutoRegisterDBError auto-registration-refused")
	f("EndPointTransientConnection 32 SIP SIPRegisterInd wait_register -", "DeviceTypeMismatch model-mismatch-refused")
	f("EndPointTransientConnection 27 SCCP - wait_capabilities -", "CapabilityResponseTimeout capabilities-missing")
	f("EndPointTransientConnection 6 SCCP - - -", "ConnectivityError connection-lost-while-registering")
}

// TestEveryCode asks every alarm for every number and for none: no answer may come from the table of another alarm.
func TestEveryCode(t *testing.T) {
	c := catalogue(t)
	for _, alarm := range c.Alarms() {
		known := 0
		for code := range uint32(highestCode + 2) {
			a := c.Decode(Question{Alarm: alarm.Name, Code: code, HasCode: true})
			switch {
			case a.Alarm.Name != alarm.Name:
				t.Fatalf("%s %d: decoded as %s", alarm.Name, code, a.Alarm.Name)
			case alarm.ReasonTable == "" && a.Reason != nil:
				t.Errorf("%s %d: has no table, got %s", alarm.Name, code, a.Reason.Name)
			case alarm.ReasonTable != "" && a.Cause == nil:
				t.Errorf("%s %d: no cause", alarm.Name, code)
			case a.Reason == nil:
			case a.Reason.Table != alarm.ReasonTable || a.Reason.Code != code:
				t.Errorf("%s %d: got %s %d", alarm.Name, code, a.Reason.Table, a.Reason.Code)
			case a.Cause.Expected != a.Reason.Expected:
				t.Errorf("%s %d: cause %s does not agree on expected", alarm.Name, code, a.Cause.ID)
			default:
				known++
			}
		}
		if want := codes(c, alarm.ReasonTable); known != want {
			t.Errorf("%s: %d codes decoded, the table has %d", alarm.Name, known, want)
		}
	}
}

// codes counts the rows of a table.
func codes(c *Catalogue, table string) int {
	n := 0
	for _, x := range c.Reasons() {
		if x.Table == table {
			n++
		}
	}
	return n
}

func TestUnknownSignal(t *testing.T) {
	c := catalogue(t)
	f := func(signal, kind string) {
		t.Helper()
		a := c.Decode(Question{Alarm: "EndPointUnregistered", Signal: signal})
		got := ""
		switch {
		case a.Signal != nil:
			got = "known " + a.Signal.Kind
		case a.Class != nil:
			got = a.Class.Kind
		}
		if got != kind {
			t.Errorf("%q: got %q, want %q", signal, got, kind)
		}
	}
	f("SIPStationDPrimaryLineTimeout", "known timer")
	f("SIPStationDOtherTimeout", "timer")
	f("StationNewTimer", "timer")
	f("StationCloseNow", "internal order")
	f("StationOutputNew", "internal order")
	f("StationNewReq", "message from device")
	f("SIPNewInd", "message from device")
	f("DbNewRes", "internal answer")
	f("LineNewRes", "internal answer")
	f("Whatever", "")
	f("", "")
}

func TestDecodeAllocatesNothing(t *testing.T) {
	c := catalogue(t)
	unknown := Question{Alarm: "EndPointUnregistered", Code: 77, HasCode: true, Signal: "SIPNewTimer", Device: "Trunk-To-Branch", State: "wait"}
	for _, q := range []Question{seed, unknown, {}, {Alarm: "NoSuchAlarm", HasCode: true}} {
		if n := testing.AllocsPerRun(100, func() { c.Decode(q) }); n != 0 {
			t.Errorf("%+v: %v allocations", q, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := catalogue(b)
	for _, x := range []struct {
		name string
		q    Question
	}{
		{"seed", seed},
		{"free name", Question{Alarm: "SIPTrunkOOS", Device: "Trunk-To-Branch", DeviceType: 131, HasDeviceType: true}},
		{"unknown signal", Question{Alarm: "EndPointUnregistered", Code: 13, HasCode: true, Signal: "SIPNewThingInd", Protocol: "SIP", Device: "CSFJDOE"}},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Decode(x.q)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
