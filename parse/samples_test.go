package parse

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"flapwatch/event"
)

// received is the receive time of every sample.
var received = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// knownKeys are the parameter names of the alarm catalogue of release 15, and MRAStatus, which no public catalogue has.
func knownKeys(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

type sample struct {
	ID     string         `json:"id"`
	Raw    string         `json:"raw"`
	Rule   string         `json:"rule"`
	Expect map[string]any `json:"expect"`
}

func samples(t testing.TB, path string) []sample {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sample
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, s)
	}
	return all
}

// got renders an event in the words of expect.
func got(status event.Status, e *event.Event) map[string]any {
	m := map[string]any{
		"status": status.String(), "alarm": e.Alarm, "facility": e.Facility, "severity": float64(e.Severity), "device": e.Device,
		"ip": e.IP, "ipv6": e.IPv6, "mac": e.MAC, "last_signal": e.Signal, "state": e.State, "node": e.Node, "cluster": e.Cluster,
		"app": e.AppID, "host": e.Host, "process": e.Process, "clock": e.Clock, "description": e.Description, "part": e.Part,
		"truncated": e.Truncated, "text": e.Text, "claimed": e.Claimed, "protocol": e.Protocol,
		"time_source": e.TimeSource.String(), "ts_partial": e.Time.UTC().Format("01-02T15:04:05.000Z"),
	}
	if e.TimeSource != event.FromReceipt {
		m["ts"] = e.Time.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	number := func(key string, n uint32, has bool) {
		if has {
			m[key] = float64(n)
		}
	}
	number("reason", e.Reason, e.HasReason)
	number("device_type", e.DeviceType, e.HasDeviceType)
	number("pri", uint32(e.PRI), e.HasPRI)
	number("seq", e.Seq, e.HasSeq)
	number("agent_seq", e.AgentSeq, e.HasAgentSeq)
	return m
}

func empty(v any) bool { return v == nil || v == "" || v == false }

// TestSamples runs lines from public places (real.jsonl) and lines derived from documented rules (derived.jsonl) against what a
// parser must make of them.
func TestSamples(t *testing.T) {
	p := New(knownKeys(t))
	groups := map[string]event.ID{}
	for _, path := range []string{"testdata/derived.jsonl", "testdata/real.jsonl", "testdata/own.jsonl"} {
		for _, s := range samples(t, path) {
			var e event.Event
			status, err := p.Parse(s.Raw, Context{Received: received}, &e)
			if s.Expect["status"] == nil && err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
			check(t, s, status, err, &e)
			if group, ok := s.Expect["dedup_group"].(string); ok {
				e.Identify(status, s.ID)
				if first, seen := groups[group]; seen && first != e.ID {
					t.Errorf("%s: id differs from that of its group %s", s.ID, group)
				}
				groups[group] = e.ID
			}
		}
	}
}

func check(t *testing.T, s sample, status event.Status, err error, e *event.Event) {
	t.Helper()
	g := got(status, e)
	for key, want := range s.Expect {
		switch {
		case key == "dedup_group":
		case key == "ts" && want != nil:
			at, err := time.Parse(time.RFC3339, want.(string))
			if err != nil || !e.Time.Equal(at) || e.TimeSource == event.FromReceipt {
				t.Errorf("%s: ts: %v (%v), want %v", s.ID, e.Time, e.TimeSource, want)
			}
		case key == "not_alarm":
			if g["alarm"] == want {
				t.Errorf("%s: alarm %v", s.ID, want)
			}
		case key == "error":
			if err == nil || !strings.Contains(err.Error(), want.(string)) {
				t.Errorf("%s: error %v, want %v", s.ID, err, want)
			}
		case key == "unknown":
			for _, name := range want.([]any) {
				if !slices.ContainsFunc(e.Tags, func(tag event.Tag) bool { return tag.Key == name && tag.Unknown }) {
					t.Errorf("%s: %v is not marked unknown", s.ID, name)
				}
			}
		case key == "tags":
			for name, value := range want.(map[string]any) {
				if v, _ := e.Tag(name); v != value {
					t.Errorf("%s: tag %s: %q, want %q", s.ID, name, v, value)
				}
			}
		case g[key] != want && !(empty(g[key]) && empty(want)):
			t.Errorf("%s: %s: %v, want %v", s.ID, key, g[key], want)
		}
	}
	if e.Raw != s.Raw {
		t.Errorf("%s: raw changed", s.ID)
	}
}
