package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/simulate"
)

const (
	wireForm = "<187>41679: uc-ucm-01.pcce.local: Jul 02 2015 06:22:31.123 UTC :  " + seedBody
	fileForm = "31 uc-ucm-01 local7 3 : 41679: uc-ucm-01.pcce.local Jul 02 2015 06:22:31 UTC :   " + seedBody
	seedBody = "%UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName=SEPE0D1730A8137][IPAddress=10.60.98.210][Protocol=SIP][DeviceType=592]" +
		"[Description=Phone][Reason=13][IPAddrAttributes=0][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager]" +
		"[ClusterID=StandAloneCluster][NodeID=uc-ucm-01]: An endpoint has unregistered"
)

var seedWindow = query("from", "2015-07-01T00:00:00Z", "to", "2015-07-03T00:00:00Z")

// send writes text in one piece.
func send(t testing.TB, network, address, text string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSeedLine(t *testing.T) {
	for name, line := range map[string]struct{ text, time string }{
		"wire form":         {wireForm, "2015-07-02T06:22:31.123Z"},
		"Event Viewer form": {fileForm, "2015-07-02T06:22:31.000Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, folder(t))
			send(t, "udp", p.udp, line.text+"\n")
			var events api.List[api.Event]
			p.wait("the event is stored", func() bool {
				p.get("/events", seedWindow, &events)
				return len(events.Items) > 0
			})
			checkSeed(t, events.Items[0], line.text, line.time)
			send(t, "tcp", p.tcp, wireForm+"\r\n"+fileForm+"\n") // copies
			p.wait("the copies are counted", func() bool { return p.stats().Duplicate == 2 })
			p.get("/events", seedWindow, &events)
			if len(events.Items) != 1 {
				t.Errorf("%d events after copies, want 1", len(events.Items))
			}
		})
	}
}

func checkSeed(t *testing.T, e api.Event, raw, at string) {
	t.Helper()
	got := fmt.Sprint(e.Alarm, e.Severity, e.Device, e.IP, e.Protocol, *e.DeviceType, e.Model, e.Reason.Code, e.Reason.Name, e.Signal.Name,
		e.Cluster, e.Node, *e.Seq, e.Cause.ID, e.Time.Format(time.RFC3339Nano), e.TimeSource)
	want := fmt.Sprint("EndPointUnregistered", 3, "SEPE0D1730A8137", "10.60.98.210", "SIP", 592, "Cisco 3905", 13, "KeepAliveTimeout",
		"SIPStationDPrimaryLineTimeout", "StandAloneCluster", "uc-ucm-01", 41679, "sip-primary-line-timeout",
		strings.TrimSuffix(strings.Replace(at, ".000Z", "Z", 1), ""), "message")
	if got != want {
		t.Errorf("event is\n%s\nwant\n%s", got, want)
	}
	if e.Raw != raw {
		t.Errorf("raw is %q, want %q", e.Raw, raw)
	}
}

// TestOffice plays the demonstration and asks for its patterns.
func TestOffice(t *testing.T) {
	p := serve(t, folder(t))
	truth := play(t, p, "office", 7*24*time.Hour)
	if s := p.settled(); s.Stored != truth.Lines || s.Received != truth.Lines {
		t.Fatalf("stats %+v after %d messages", s, truth.Lines)
	}
	var found api.List[api.Pattern]
	p.get("/patterns", query("from", "-8d"), &found)
	periodic := map[string]simulate.DeviceTruth{}
	for _, d := range truth.Devices {
		if d.Periodic {
			periodic[d.Device] = d
		}
	}
	for _, f := range found.Items {
		d, ok := periodic[f.Device]
		if !ok {
			t.Errorf("%s has no period, and one of %.0f s was found, p %g", f.Device, f.PeriodSeconds, f.PValue)
			continue
		}
		delete(periodic, f.Device)
		within(t, f.Device+" period", f.PeriodSeconds, d.PeriodSeconds)
		if f.Registered == nil {
			t.Errorf("%s: registered time not known", f.Device)
		} else {
			within(t, f.Device+" registered", *f.Registered, d.RegisteredSeconds)
		}
		if f.Reason == nil || f.Reason.Code != 13 || f.PValue >= 1e-6 || len(f.Diagnoses) == 0 || f.Diagnoses[0].ID != "sip-refresh-first-packet-loss" {
			t.Errorf("%s: %+v", f.Device, f)
		}
	}
	for device := range periodic {
		t.Errorf("the period of %s was not found", device)
	}
	proxyARP(t, p, truth)
}

// TestDemo plays until everything is stored, as make demo does: what is asked next is answered from all of it, although it was asked
// before as well.
func TestDemo(t *testing.T) {
	p := launch(t, folder(t))
	if _, log, exit := once(t, "", "simulate", "--scenario", "quiet", "--from", "-1h", "--to", "tcp://"+p.tcp, "--wait", "--url", p.web); exit != 0 {
		t.Fatalf("simulate before the store can be asked: %s", log)
	}
	var found api.List[api.Pattern]
	p.get("/patterns", query("from", "-2d"), &found)
	if len(found.Items) != 0 {
		t.Fatalf("%d patterns of nothing", len(found.Items))
	}
	if _, log, exit := once(t, "", "simulate", "--scenario", "sixteen-minute", "--from", "-1d", "--to", "tcp://"+p.tcp, "--wait", "--url", p.web); exit != 0 {
		t.Fatalf("simulate: %s", log)
	}
	if s := p.stats(); s.Stored == 0 || s.InSpool != 0 {
		t.Errorf("stats say %+v", s)
	}
	if p.get("/patterns", query("from", "-2d"), &found); len(found.Items) == 0 {
		t.Error("no pattern was found")
	}
	c := simulateCmd{remote: remote{URL: address(p.web)}}
	line := strings.Replace(wireForm, "41679", "41680", 1)
	ours, err := c.decoded(t.Context(), []byte(line))
	if err != nil || ours == nil {
		t.Fatalf("%v %v", ours, err)
	}
	there := func() bool {
		there, err := c.holds(t.Context(), ours)
		return there && err == nil
	}
	if send(t, "tcp", p.tcp, wireForm+"\n"); there() { // of somebody else, at the same time
		t.Error("a message that was not sent is there")
	}
	send(t, "tcp", p.tcp, line+"\n")
	p.wait("the message of ours", there)
	if _, log, exit := once(t, "", "simulate", "--to", "-", "--wait", "--url", p.web); exit != 2 || !strings.Contains(log, "--wait") {
		t.Errorf("waiting for standard output: exit %d, %s", exit, log)
	}
}

// proxyARP asks for the diagnosis of the devices that drop without a period.
func proxyARP(t *testing.T, p *program, truth simulate.Truth) {
	t.Helper()
	for _, d := range truth.Devices {
		if d.Cause != "proxy-arp" {
			continue
		}
		var detail api.DeviceDetail
		p.get("/devices/"+d.Device, query("from", "-8d"), &detail)
		if len(detail.Diagnoses) == 0 || detail.Diagnoses[0].ID != "proxy-arp" {
			t.Errorf("%s: diagnoses %+v, want proxy-arp on top", d.Device, detail.Diagnoses)
		}
	}
}

func within(t *testing.T, what string, got, want float64) {
	t.Helper()
	if got < 0.99*want || got > 1.01*want {
		t.Errorf("%s %.1f s, want %.1f s within 1 %%", what, got, want)
	}
}

// play sends a scenario that ends now over one TCP connection.
func play(t *testing.T, p *program, scenario string, length time.Duration) simulate.Truth {
	t.Helper()
	c, err := net.Dial("tcp", p.tcp)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	truth, err := simulate.Run(t.Context(), simulate.Options{Scenario: scenario, From: now.Add(-length), Until: now, Seed: 7, Loss: -1},
		func(l simulate.Line) error {
			_, err := c.Write(append(l.Raw, '\n'))
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	p.wait("all messages are received", func() bool { return p.stats().Received >= truth.Lines })
	return truth
}

// TestStartErrors starts the service where it cannot run: one sentence each, and the right exit status.
func TestStartErrors(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	dir := t.TempDir()
	config := filepath.Join(dir, "flapwatch.yaml")
	if err := os.WriteFile(config, []byte("http: 127.0.0.1:0\nretentoin: 30d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.yaml")
	if err := os.WriteFile(empty, []byte("data: x\nhttp:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := []string{"--http", "127.0.0.1:0", "--syslog", "udp://127.0.0.1:0"}
	fresh := filepath.Join(dir, "fresh")
	for _, c := range []struct {
		name string
		args []string
		exit int
		says string
	}{
		{"folder in use", append([]string{"--data", data}, free...), 1, "another flapwatch runs on this data folder"},
		{"port taken", []string{"--data", fresh, "--http", "127.0.0.1:0", "--syslog", "tcp://" + p.tcp}, 1, "taken"},
		{"web port taken", []string{"--data", fresh, "--http", strings.TrimPrefix(p.web, "http://"), "--syslog", "udp://127.0.0.1:0"}, 1, "taken"},
		{"folder is a file", append([]string{"--data", filepath.Join(file, "x")}, free...), 1, "cannot be written"},
		{"config key", append([]string{"--config", config, "--data", fresh}, free...), 2, "line 2"},
		{"config without a value", []string{"--config", empty, "--data", fresh, "--syslog", "udp://127.0.0.1:0"}, 2, "line 2: http: the value is missing"},
		{"config missing", append([]string{"--config", filepath.Join(dir, "none.yaml")}, free...), 2, "none.yaml"},
		{"unknown flag", []string{"--datta", "x"}, 2, "--datta"},
		{"bad address", []string{"--data", fresh, "--syslog", "5514"}, 2, "udp://:514"},
		{"misspelt parameter", []string{"--data", fresh, "--syslog", "tls://127.0.0.1:0?cert=" + file + "&key=" + file + "&clinet_ca=" + file}, 2, `"clinet_ca"`},
		{"parameter of another", []string{"--data", fresh, "--syslog", "tcp://127.0.0.1:0?client_ca=" + file}, 2, `"client_ca"`},
		{"report folder", append([]string{"--data", fresh, "--report-folder", filepath.Join(file, "x")}, free...), 1, "--report-folder"},
		{"hardly a queue", append([]string{"--data", fresh, "--spool-cap", "1"}, free...), 2, "1MiB or more"},
		{"no level", append([]string{"--data", fresh, "--log-level", "loud"}, free...), 2, "debug, info, warn or error"},
		{"port of letters", []string{"--data", fresh, "--http", "localhost:http"}, 2, "--http"},
		{"no network", append([]string{"--data", fresh, "--allow", "10.0.0/8"}, free...), 2, "10.0.0.0/8"},
		{"dsn of another kind", append([]string{"--data", fresh, "--clickhouse", "ftp://127.0.0.1:9000/db"}, free...), 2, "clickhouse://"},
		{"dsn without a port", append([]string{"--data", fresh, "--clickhouse", "clickhouse://127.0.0.1/db"}, free...), 2, "missing port"},
		{"bad dsn", append([]string{"--data", fresh, "--clickhouse", "nowhere"}, free...), 2, "--clickhouse"},
		{"open to the network", []string{"--data", fresh, "--http", "0.0.0.0:0"}, 2, "--http-insecure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, exit := once(t, "", append([]string{"serve"}, c.args...)...)
			last := stderr[strings.LastIndex(strings.TrimSpace(stderr), "\n")+1:]
			if exit != c.exit || !strings.HasPrefix(last, "flapwatch: ") || !strings.Contains(last, c.says) || strings.Contains(stderr, "goroutine") {
				t.Errorf("exit %d, want %d; said %q", exit, c.exit, stderr)
			}
		})
	}
	if p.status("/readyz") != http.StatusOK {
		t.Error("the running service was disturbed")
	}
}

// TestEngineKilled kills the embedded ClickHouse under load: the service stays, says so, recovers and loses nothing.
func TestEngineKilled(t *testing.T) {
	p := serve(t, folder(t))
	send(t, "tcp", p.tcp, wireForm+"\n")
	p.settled()
	child := engineOf(t, p)
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wait("readyz says that the engine is away", func() bool { return p.status("/readyz") == http.StatusServiceUnavailable })
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintln(&lines, strings.Replace(wireForm, "<187>41679", fmt.Sprintf("<187>%d", 50_000+i), 1))
	}
	send(t, "tcp", p.tcp, lines.String())
	p.wait("everything is stored", func() bool { return p.status("/readyz") == http.StatusOK && p.stats().Stored == 1001 })
	if s := p.stats(); s.Dropped != 0 || s.EngineRestarts == 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestLag lets a message wait for the engine: how long it waits is told meanwhile, and how long it took afterwards.
func TestLag(t *testing.T) {
	p := serve(t, folder(t))
	const long = 0.5 // seconds
	child := engineOf(t, p)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(child, syscall.SIGCONT) }()
	send(t, "tcp", p.tcp, wireForm+"\n")
	p.wait("the message has waited", func() bool { return p.metric("flapwatch_spool_age_seconds") > long })
	if lag := p.metric("flapwatch_commit_lag_seconds"); lag != 0 {
		t.Errorf("a lag of %g s before anything was stored", lag)
	}
	if err := syscall.Kill(child, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s := p.settled()
	if metric := p.metric("flapwatch_commit_lag_seconds"); s.StoreLagSeconds < long || s.StoreLagSeconds != metric || s.SpoolAgeSeconds != 0 {
		t.Errorf("stored after more than %g s; metrics say %g, stats say %+v", long, metric, s)
	}
}

// metric is the value of a metric, named with its labels.
func (p *program) metric(name string) (v float64) {
	p.t.Helper()
	_, _, text := p.call(http.MethodGet, "/metrics", "")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, _ = strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v
		}
	}
	p.t.Fatalf("no metric %s", name)
	return 0
}

// engineOf finds the engine's process.
func engineOf(t *testing.T, p *program) int {
	t.Helper()
	all := enginesOf(t, p)
	if len(all) == 0 {
		t.Fatal("the engine's process was not found")
	}
	return all[0]
}

// enginesOf finds the engine's process, and those that are about to take its place.
func enginesOf(t *testing.T, p *program) (pids []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.command.Process.Pid))
	if err != nil || len(tasks) == 0 {
		t.Skip("no /proc:", err)
	}
	for _, f := range tasks {
		text, _ := os.ReadFile(f)
		for _, pid := range strings.Fields(string(text)) {
			args, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if n, err := strconv.Atoi(pid); err == nil && strings.Contains(string(args), engineChild) {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
