package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
)

// TestOutageOfSwitch has ninety-six SIP phones, twenty-four behind each of four switches and two switches to a subnet. One switch is
// away for five minutes. Phones tell what they are plugged into, half of them to a node that does not know the keys.
func TestOutageOfSwitch(t *testing.T) {
	const behind = 24
	p := serve(t, folder(t))
	cut := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
	var text strings.Builder
	n := 0
	say := func(phone int, at time.Time, severity int, alarm, tags string) {
		n++
		node := fmt.Sprintf("cucm-%d", phone%2+1)
		fmt.Fprintf(&text, "<187>%d: %s: %s UTC : %%UC_CALLMANAGER-%d-%s: %%[DeviceName=SEP%012X][Protocol=SIP]%s[AppID=Cisco CallManager][ClusterID=c][NodeID=%s]: it\n",
			n, node, at.Format("Jan 02 2006 15:04:05.000"), severity, alarm, phone, tags, node)
	}
	for phone := range 4 * behind {
		ip := fmt.Sprintf("[IPAddress=10.1.%d.%d]", phone/behind/2, phone%(2*behind)+1)
		unknown := []string{"", "UNKNOWN_PARAMNAME:"}[phone/2%2]
		plugged := fmt.Sprintf("[%sNeighborDeviceID=access-%d][%sNeighborPortID=Gi1/0/%d]", unknown, phone/behind, unknown, phone%behind+1)
		up := cut.Add(-18 * time.Hour).Add(time.Duration(phone) * 97 * time.Second)
		say(phone, up, 6, "EndPointRegistered", ip)
		say(phone, up.Add(time.Second), 6, "LastOutOfServiceInformation", plugged)
		if phone/behind == 2 {
			lost := cut.Add(time.Duration(phone%behind) * time.Second) // 23 s from the first to the last
			say(phone, lost, 3, "EndPointUnregistered", ip+"[Reason=13][LastSignalReceived=SIPStationDPrimaryLineTimeout]")
			say(phone, lost.Add(5*time.Minute), 6, "EndPointRegistered", ip)
		}
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(uint64(n))
	var list api.List[api.Outage]
	p.get("/outages", nil, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%d outages, want one: %+v", len(list.Items), list.Items)
	}
	o := list.Items[0]
	if o.Kind != "switch" || o.Place != "access-2" || o.Devices != behind || !o.Start.Equal(cut) || o.ShareOfKnown != 0.25 {
		t.Errorf("%+v", o)
	}
	for what, c := range map[string]struct{ got, want map[string]int }{
		"switch": {o.BySwitch, map[string]int{"access-2": behind}},
		"subnet": {o.BySubnet, map[string]int{"10.1.1.0/24": behind}},
		"node":   {o.ByNode, map[string]int{"cucm-1": behind / 2, "cucm-2": behind / 2}},
		"reason": {o.ByReason, map[string]int{"13": behind}},
	} {
		if !maps.Equal(c.got, c.want) {
			t.Errorf("by %s %v, want %v", what, c.got, c.want)
		}
	}
	// That they were silent says that the path was away, and not why: nothing stands out, and the next place to look is the switch.
	if o.Cause != nil || len(o.Diagnoses) == 0 || o.Diagnoses[0].Score >= 0.3 || len(o.Checks) == 0 || !strings.Contains(o.Checks[0], "switch") {
		t.Errorf("cause %v, %+v, checks %q", o.Cause, o.Diagnoses, o.Checks)
	}
	out, log, exit := once(t, "", "outages", "--url", p.web)
	for _, want := range []string{"access-2", "unclear", "none stands out", "check  " + o.Checks[0]} {
		if exit != 0 || !strings.Contains(out, want) {
			t.Errorf("flapwatch outages does not say %q: %d %s%s", want, exit, out, log)
		}
	}
}
