package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/internal/clickhousetest"
)

// TestCheck looks at a machine on which nothing is wrong, and at one with something wrong of each kind.
func TestCheck(t *testing.T) {
	clickhousetest.Library(t)
	free := []string{"check", "--data", folder(t), "--http", "127.0.0.1:0", "--syslog", "udp://127.0.0.1:0,tcp://127.0.0.1:0"}
	if out, log, exit := once(t, "", free...); exit != 0 || !strings.Contains(out, "8GiB") || !strings.Contains(out, "400d") || strings.Contains(out, "wrong") {
		t.Errorf("nothing wrong: %d\n%s%s", exit, out, log)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	writeTo(t, file, []byte("read sha256:short"))
	twice := strings.Replace(unused(t), "udp:", "tcp:", 1)
	for _, c := range []struct{ flag, value, says string }{
		{"--syslog", "tcp://" + taken.Addr().String(), "taken by another program"},
		{"--syslog", "5514", "udp://:514"},
		{"--syslog", "tls://127.0.0.1:0", "needs cert"},
		{"--syslog", "tls://127.0.0.1:0?cert=" + file + "&key=" + file, "read certificate"},
		{"--syslog", "udp://127.0.0.1:0?cert=x", "no parameter"},
		{"--syslog", twice + "," + twice, "another of these settings"},
		{"--report-tz", "Nowhere", "--report-tz"},
		{"--report-hour", "24", "--report-hour"},
		{"--report-folder", filepath.Join(file, "x"), "another folder"},
		{"--report-mail-to", "voice@example.org", "--report-mail-from"},
		{"--http", "0.0.0.0:0", "open to the network"},
		{"--http-token-file", file, "line 1"},
		{"--http-tls", file + "," + file, "--http-tls"},
		{"--data", filepath.Join(file, "x"), "another folder"},
		{"--clickhouse", "clickhouse://user:secret@127.0.0.1:1/db", "does not answer"},
	} {
		out, log, exit := once(t, "", append(free, c.flag, c.value)...)
		if exit != 1 || !strings.Contains(out, "wrong") || !strings.Contains(out, c.says) || strings.Contains(out+log, "secret") {
			t.Errorf("%s %s: %d\n%s%s", c.flag, c.value, exit, out, log)
		}
	}
	t.Setenv("FLAPWATCH_RETENTOIN", "30d")
	t.Setenv("FLAPWATCH_REPORT_HOUR", "7")
	out, _, exit := once(t, "", append(free, "--json")...)
	if !strings.Contains(out, "FLAPWATCH_RETENTOIN") || strings.Contains(out, "FLAPWATCH_REPORT_HOUR") {
		t.Errorf("a name that is no setting's:\n%s", out)
	}
	var answer struct {
		Settings []setting
		Checks   []checked
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || exit != 0 || len(answer.Settings) < 10 || len(answer.Checks) < 6 {
		t.Errorf("as JSON: %d %v\n%s", exit, err, out)
	}
}

// TestKeepaliveMistakes: each timer that cannot be is one line, which begins with the name of its flag.
func TestKeepaliveMistakes(t *testing.T) {
	f := func(want []string, args ...string) {
		t.Helper()
		_, log, exit := once(t, "", append([]string{"keepalive"}, args...)...)
		var flags []string
		for _, m := range regexp.MustCompile(`(?m)^(?:flapwatch: )?(--[a-z]+): `).FindAllStringSubmatch(log, -1) {
			flags = append(flags, m[1])
		}
		if exit != 2 || !slices.Equal(flags, want) {
			t.Errorf("%q: exit %d, complaints about %q, want %q\n%s", args, exit, flags, want, log)
		}
	}
	f([]string{"--interval"}, "--protocol", "sccp", "--interval", "0")
	f([]string{"--missed"}, "--protocol", "sccp", "--missed", "0")
	f([]string{"--expires"}, "--expires", "0")
	f([]string{"--expires", "--grace", "--retry"}, "--expires", "-1", "--grace", "-1", "--retry", "0")
	f([]string{"--delta"}, "--delta", "120")
	f([]string{"--interval", "--missed"}, "--interval", "30", "--missed", "3") // SIP has none
	f([]string{"--delta", "--expires", "--grace", "--retry"}, "--protocol", "sccp", "--expires", "120", "--delta", "5", "--grace", "10", "--retry", "1")
}

// TestCommandMistakes: what is wrong with a command line is said before anybody is asked, with what to do about it.
func TestCommandMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"unexpected argument nonsense (flapwatch --help)":                        {"nonsense"},
		"unexpected argument extra (flapwatch flapping --help)":                  {"flapping", "extra"},
		`expected one of "inspect", "export", "replay" (flapwatch spool --help)`: {"spool"},
		"--zone is for --offline":                                                {"import", "--zone", "Europe/Berlin", "x"},
		"--from: the value is missing (flapwatch flapping --help)":               {"flapping", "--from"},
		"-o: the value is missing":                                               {"report", "weekly", "-o"},
		"unknown flag --reason":                                                  {"sources", "--reason", "13"},
		"a time stands behind its flag":                                          {"flapping", "-8d"},
		"unknown flag --url; flags stand behind the com":                         {"--url", "http://127.0.0.1:8080", "flapping"},
		`--url: "x" is no address; write it as http://127.0.0.1:8080`:            {"flapping", "--url", "x"},
		`--url: "ftp://x" is no address`:                                         {"import", "--url", "ftp://x", "-"},
	} {
		if out, log, exit := once(t, "", args...); exit != 2 || out != "" || !strings.Contains(log, want) {
			t.Errorf("%q: exit %d, %s%s, want %s", args, exit, out, log, want)
		}
	}
	to := unused(t)
	if _, log, exit := once(t, "", "simulate", "--to", to, "--scenario", "office", "--phones", "50", "--from", "-1d"); exit != 1 || !strings.Contains(log, "nobody takes messages at "+to) {
		t.Errorf("simulate to nobody: exit %d, %s", exit, log)
	}
}

// unused gives an address of UDP at which nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = closed.Close() }()
	return "udp://" + closed.LocalAddr().String()
}

// TestSimulateMistakes: what cannot be played is a mistake of the command line.
func TestSimulateMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"phones":              {"--phones", "-1"},
		"loss":                {"--loss", "2"},
		"no stretch of time":  {"--from", "now", "--until", "-1d"},
		"2000000 are not":     {"--phones", "2000000", "--loss", "7"},
		"rate: -1 is no rate": {"--rate", "-1"},
	} {
		out, log, exit := once(t, "", append([]string{"simulate", "--to", "-"}, args...)...)
		if exit != 2 || out != "" || !strings.Contains(log, want) {
			t.Errorf("%q: exit %d, %s%s", args, exit, out, log)
		}
	}
}

// TestCompletion completes commands, flags and values, and lets the shells read their scripts.
func TestCompletion(t *testing.T) {
	f := func(line, has string) {
		t.Helper()
		out, log, exit := once(t, "", append([]string{"__complete", "--"}, strings.Fields(line)...)...)
		if exit != 0 || !strings.Contains("\n"+out, "\n"+has+"\n") {
			t.Errorf("after %q no %q: %d %s%s", line, has, exit, out, log)
		}
	}
	f("", "flapping")
	f("flap", "flapping")
	f("spool", "export")
	f("events", "--device")
	f("events --limit 7", "--reason")
	f("token new --role", "ingest")
	f("completion", "fish")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, log, exit := once(t, "", "completion", shell)
		if exit != 0 || !strings.Contains(out, "__complete") {
			t.Fatalf("%s: %d %s", shell, exit, log)
		}
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not here to read its script", shell)
			continue
		}
		c := exec.CommandContext(t.Context(), shell, "-n")
		c.Stdin = strings.NewReader(out)
		if said, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s does not read its script: %v %s", shell, err, said)
		}
	}
	if _, _, exit := once(t, "", "completion", "csh"); exit != 2 {
		t.Errorf("csh: exit %d", exit)
	}
}

// TestSpoolCommands looks into the queue of a service that runs, and reads what it wrote.
func TestSpoolCommands(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	send(t, "tcp", p.tcp, numberedLines(1, 11))
	p.stored(10)
	send(t, "tcp", p.tcp, numberedLines(11, 21)) // another record
	p.stored(20)
	out, log, exit := once(t, "", "spool", "inspect", "--data", data, "--json")
	var in struct{ Next, Damaged uint64 }
	if err := json.Unmarshal([]byte(out), &in); err != nil || exit != 0 || in.Next != 20 || in.Damaged != 0 {
		t.Errorf("inspect: %d %v %s%s", exit, err, out, log)
	}
	out, log, exit = once(t, "", "spool", "export", "--data", data, "--from", "5")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if exit != 0 || len(lines) != 15 || lines[0] != strings.TrimSpace(numberedLines(6, 7)) {
		t.Errorf("export: %d, %d lines %s", exit, len(lines), log)
	}
	out, _, _ = once(t, "", "spool", "export", "--data", data, "--json")
	var x exported
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &x); err != nil || x.N != 0 || x.Source != "127.0.0.1" || !strings.Contains(x.Raw, "EndPointUnregistered") {
		t.Errorf("export as JSON: %v %+v", err, x)
	}
	if out, log, exit := once(t, "", "spool", "export", "--data", data, "--waiting"); exit != 0 || out != "" {
		t.Errorf("waiting: %d %s%s", exit, out, log)
	}
	p.stop()
	folder := filepath.Join(data, "spool")
	spooled := filepath.Join(folder, fmt.Sprintf("%020d.seg", 0))
	text, err := os.ReadFile(spooled)
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.LastIndex(text, []byte("DeviceName"))] ^= 1
	if err := os.WriteFile(spooled, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, log, exit = once(t, "", "spool", "export", "--data", data)
	if n := strings.Count(out, "\n"); exit != 0 || n != 10 || !strings.Contains(log, fmt.Sprintf("%d messages that are stored", 20-n)) {
		t.Errorf("stored messages that are damaged: exit %d, %d lines, %s", exit, n, log)
	}
	if err := os.Remove(filepath.Join(folder, "ack")); err != nil { // none is known to be stored
		t.Fatal(err)
	}
	out, log, exit = once(t, "", "spool", "export", "--data", data)
	if n := strings.Count(out, "\n"); exit != 1 || n != 10 || !strings.Contains(log, fmt.Sprintf("%d messages that were not stored yet", 20-n)) {
		t.Errorf("messages that are damaged: exit %d, %d lines, %s", exit, n, log)
	}
	if out, log, exit := once(t, "", "spool", "inspect", "--data", data); exit != 1 || !strings.Contains(log, "cannot be read") || !strings.Contains(out, "20 waiting") {
		t.Errorf("inspect: exit %d, %s%s", exit, out, log)
	}
	if _, log, exit := once(t, "", "spool", "inspect", "--data", t.TempDir()); exit != 1 || !strings.Contains(log, "--data") {
		t.Errorf("no spool there: %d %s", exit, log)
	}
}

// TestCommandsWithToken asks a service that wants one: by flag, by environment, without, and with a wrong one.
func TestCommandsWithToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	right := token(t, file, "read")
	p := serve(t, folder(t), "--http-token-file", file)
	for _, name := range []string{"flapping", "patterns", "outages", "sources", "events"} {
		// a sentence says that there is nothing, not the head of an empty table
		if out, log, exit := once(t, "", name, "--url", p.web, "--token", right); exit != 0 || !strings.HasPrefix(out, "no ") || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %d %s%s", name, exit, out, log)
		}
		out, log, exit := once(t, "", name, "--url", p.web, "--token", right, "--json")
		if exit != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, `"items": []`) {
			t.Errorf("%s --json: %d %s%s", name, exit, out, log)
		}
		if _, log, exit := once(t, "", name, "--url", p.web); exit != 1 || !strings.Contains(log, "FLAPWATCH_TOKEN") {
			t.Errorf("%s without a token: %d %s", name, exit, log)
		}
		if _, log, exit := once(t, "", name, "--url", p.web, "--token", "fw_WRONG"); exit != 1 || !strings.Contains(log, "does not know this token") {
			t.Errorf("%s with a wrong token: %d %s", name, exit, log)
		}
	}
	for _, args := range [][]string{{"sources", "--reason", "13"}, {"sources", "--protocol", "SIP"}, {"sources", "--limit", "3"}, {"device", "SEP1", "--reason", "13"}} {
		if _, log, exit := once(t, "", append(args, "--url", p.web, "--token", right)...); exit != 2 || !strings.Contains(log, "unknown flag "+args[len(args)-2]) {
			t.Errorf("%v: %d %s", args, exit, log)
		}
	}
	t.Setenv("FLAPWATCH_TOKEN", right)
	t.Setenv("FLAPWATCH_URL", p.web)
	if _, log, exit := once(t, "", "events"); exit != 0 {
		t.Errorf("token from the environment: %d %s", exit, log)
	}
	if _, log, exit := once(t, "", "events", "--from", "yesterday"); exit != 2 || !strings.Contains(log, "from: ") {
		t.Errorf("a bad window: %d %s", exit, log)
	}
	if _, log, exit := once(t, "", "events", "--url", "http://127.0.0.1:1"); exit != 1 || !strings.Contains(log, "is flapwatch serve running there?") {
		t.Errorf("nobody there: %d %s", exit, log)
	}
}

var httpsLine = regexp.MustCompile(`https://(\S+)/`)

// TestHTTPS serves a certificate and, once the files change, another, without a restart.
func TestHTTPS(t *testing.T) {
	clickhousetest.Library(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	selfSigned(t, 1, cert, key)
	c := command(t, "serve", "--data", folder(t), "--http", "127.0.0.1:0", "--syslog", "udp://127.0.0.1:0", "--http-tls", cert+","+key)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}()
	var address string
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		if m := httpsLine.FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	serial := func(newest uint16) int64 {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: newest})
		if err != nil {
			return -1
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	deadline := time.Now().Add(30 * time.Second)
	until := func(want int64) {
		t.Helper()
		for serial(0) != want {
			if time.Now().After(deadline) {
				t.Fatalf("certificate %d is not served", want)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	until(1)
	if serial(tls.VersionTLS11) != -1 {
		t.Error("TLS 1.1 is spoken")
	}
	selfSigned(t, 2, cert, key)
	until(2)
	writeTo(t, cert, []byte("half a fi"))
	until(2)
}

// selfSigned writes a certificate with that serial number.
func selfSigned(t *testing.T, serial int64, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
