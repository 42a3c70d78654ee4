package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flapwatch/api"
	"flapwatch/simulate"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// fileLine is an unregistration as CUCM keeps it in its own files, and wireLine the copy that it sends.
func fileLine(seq int) string {
	return fmt.Sprintf("Jul  2 08:22:31 uc-ucm-01 local7 3 ccm: %d: uc-ucm-01.pcce.local: Jul 02 2015 06:22:31.123 UTC :  %s\n", seq, seedBody)
}

func wireLine(seq int) string { return strings.Replace(wireForm, "41679", fmt.Sprint(seq), 1) + "\n" }

// mixed is a file with one of everything: 20 alarms, one without a time, two messages in two parts of which one lacks a part, a line
// of another program and one that is not understood.
func mixed(seq int) string {
	var b strings.Builder
	for i := range 20 {
		b.WriteString(fileLine(seq + i))
	}
	part := func(seq int, part, tags, text string) {
		fmt.Fprintf(&b, "Jul  2 08:22:32 uc-ucm-01 local7 3 ccm: %d: uc-ucm-01.pcce.local: Jul 02 2015 06:22:32.123 UTC :  "+
			"%%UC_CALLMANAGER-3-EndPointUnregistered: %%[part=%s]%s[AppID=Cisco CallManager][ClusterID=C][NodeID=uc-ucm-01]: %s\n", seq, part, tags, text)
	}
	fmt.Fprintf(&b, "Jul  2 08:22:32 uc-ucm-01 local7 3 ccm: %d: uc-ucm-01.pcce.local: --- 00 0000 00:00:00.000 --- :  %s\n", seq+20, seedBody)
	part(seq+21, fmt.Sprintf("%d.1/2", seq+21), "[DeviceName=SEP1]", "An endpoint")
	part(seq+22, fmt.Sprintf("%d.2/2", seq+21), "[Reason=13]", "has unregistered")
	fmt.Fprintf(&b, "Jul  2 08:22:33 uc-ucm-01 authpriv 6 sshd[%d]: Accepted password for admin\n", seq)
	fmt.Fprintf(&b, "Jul  2 08:22:33 uc-ucm-01 local7 3 ccm: %d: broken %%UC_CALLMANAGER-9-\n", seq+23)
	part(seq+24, fmt.Sprintf("%d.1/2", seq+24), "[DeviceName=SEP2]", "An endpoint")
	return b.String()
}

// counted are the numbers of an import: accepted, stored, duplicate, unparsed, other.
type counted [5]uint64

var mixedCounts = counted{26, 24, 0, 1, 1}

func (c counted) again() counted { return counted{c[0], 0, c[0], 0, 0} }

func countsOf(i api.Import) counted {
	c := counted{i.Accepted}
	for n, v := range []*uint64{i.Stored, i.Duplicate, i.Unparsed, i.Other} {
		if v != nil {
			c[n+1] = *v
		}
	}
	return c
}

// importing runs the command on a service and gives what it says of each file.
func importing(t *testing.T, p *program, stdin string, args ...string) (files []imported, exit int) {
	t.Helper()
	out, stderr, exit := once(t, stdin, append([]string{"import", "--json", "--url", p.web}, args...)...)
	var answer struct{ Files []imported }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("%v in %q; stderr %q", err, out, stderr)
	}
	return answer.Files, exit
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// packed writes text through a packer.
func packed(t *testing.T, text string, packer func(io.Writer) (io.WriteCloser, error)) string {
	t.Helper()
	var b bytes.Buffer
	w, err := packer(&b)
	if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipFile(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
func zstdFile(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }

// member is one file of an archive under way.
type member struct {
	io.Writer
	archive io.Closer
}

func (m member) Close() error { return m.archive.Close() }

func zipFile(w io.Writer) (io.WriteCloser, error) {
	z := zip.NewWriter(w)
	f, err := z.Create("syslog/AlternateSyslog00000001")
	return member{f, z}, err
}

func tarFile(size int) func(io.Writer) (io.WriteCloser, error) {
	return func(w io.Writer) (io.WriteCloser, error) {
		z := tar.NewWriter(w)
		err := z.WriteHeader(&tar.Header{Name: "syslog/AlternateSyslog00000001", Mode: 0o600, Size: int64(size), Typeflag: tar.TypeReg})
		return member{z, z}, err
	}
}

// TestImportPackings imports the same kinds of lines in every packing, and then all of it again unpacked.
func TestImportPackings(t *testing.T) {
	data := folder(t)
	p := serve(t, data)
	dir := t.TempDir()
	for i, pack := range []struct {
		name string
		pack func(string) string
	}{
		{"plain", func(s string) string { return s }},
		{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{"gz", func(s string) string { return packed(t, s, gzipFile) }},
		{"zst", func(s string) string { return packed(t, s, zstdFile) }},
		{"zip", func(s string) string { return packed(t, s, zipFile) }},
		{"tar", func(s string) string { return packed(t, s, tarFile(len(s))) }},
		{"tar.gz", func(s string) string { return packed(t, packed(t, s, tarFile(len(s))), gzipFile) }},
		{"gz in zip", func(s string) string { return packed(t, packed(t, s, gzipFile), zipFile) }},
	} {
		text := mixed(1000 * (i + 1))
		files, exit := importing(t, p, "", write(t, filepath.Join(dir, pack.name), pack.pack(text)))
		if exit != 0 || len(files) != 1 || countsOf(files[0].Import) != mixedCounts {
			t.Errorf("%s: exit %d, %+v, want %v", pack.name, exit, files, mixedCounts)
		}
		if pack.name == "CRLF" { // another text: places are others
			continue
		}
		files, exit = importing(t, p, text, "-")
		if exit != 0 || countsOf(files[0].Import) != mixedCounts.again() {
			t.Errorf("%s again, unpacked: exit %d, %v, want %v", pack.name, exit, countsOf(files[0].Import), mixedCounts.again())
		}
	}
	var lines api.List[api.Line]
	p.get("/unparsed", query("from", "-1h"), &lines)
	if len(lines.Items) != 8 {
		t.Errorf("%d lines not understood, want one of each file", len(lines.Items))
	}
	if s := p.settled(); s.Received != 15*26 || s.Stored != 8*24 || s.Duplicate != 7*26 {
		t.Errorf("stats %+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "import", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestImportOverlap: what came over the wire and is in a file too counts once, whichever came first; so does what two exports share.
func TestImportOverlap(t *testing.T) {
	p := serve(t, folder(t))
	var wire, file, rows strings.Builder
	rows.WriteString("\"Date\",\"Host\",\"Facility\",\"Severity\",\"Message\"\r\n")
	for i := range 100 {
		wire.WriteString(wireLine(i))
		file.WriteString(fileLine(i + 50))
		_, message, _ := strings.Cut(fileLine(i+100), "ccm: ")
		fmt.Fprintf(&rows, "\"Jul 02 08:22:31\",\"uc-ucm-01\",\"local7\",\"3\",\"%s\"\r\n", strings.TrimSpace(message))
	}
	send(t, "tcp", p.tcp, wire.String())
	p.wait("the wire is stored", func() bool { return p.stats().Stored == 100 })
	for _, c := range []struct {
		name, text string
		want       counted
	}{
		{"file", file.String(), counted{100, 50, 50, 0, 0}},
		{"RTMT rows", rows.String(), counted{101, 50, 50, 1, 0}},
	} {
		files, exit := importing(t, p, c.text, "-")
		if exit != 0 || countsOf(files[0].Import) != c.want {
			t.Errorf("%s: exit %d, %+v, want %v", c.name, exit, countsOf(files[0].Import), c.want)
		}
	}
	for i := range 10 {
		send(t, "udp", p.udp, wireLine(190+i))
	}
	p.wait("the wire is counted", func() bool { return p.stats().Duplicate == 110 })
	var events api.List[api.Event]
	p.get("/events", query("from", "2015-07-01T00:00:00Z", "to", "2015-07-03T00:00:00Z", "limit", "1000"), &events)
	if len(events.Items) != 200 {
		t.Errorf("%d events, want 200", len(events.Items))
	}
}

// TestImportFiles imports what people have: folders, odd names, damage, nothing at all.
func TestImportFiles(t *testing.T) {
	p := serve(t, folder(t))
	dir := t.TempDir()
	odd := "b \x1b[31m\"%\u202e\xff.log"
	write(t, filepath.Join(dir, "logs", odd), fileLine(1))
	write(t, filepath.Join(dir, "logs", "a"), fileLine(2)+fileLine(3))
	write(t, filepath.Join(dir, "logs", "node", "c"), "")
	files, exit := importing(t, p, "", filepath.Join(dir, "logs"))
	var got []string
	for _, f := range files {
		got = append(got, fmt.Sprint(f.File, " ", f.Accepted))
	}
	if want := []string{"logs/a 2", "logs/" + strings.ToValidUTF8(odd, "\ufffd") + " 1", "logs/node/c 0"}; exit != 0 || !slices.Equal(got, want) {
		t.Errorf("exit %d, %q, want %q", exit, got, want)
	}
	var events api.List[api.Event]
	p.get("/events", seedWindow, &events)
	if i := slices.IndexFunc(events.Items, func(e api.Event) bool { return *e.Seq == 1 }); i < 0 || events.Items[i].Source != "logs/b _[31m_%·_.log" {
		t.Errorf("events %+v", events.Items)
	}

	z := packed(t, mixed(5000)+strings.Repeat(fileLine(1), 10_000), gzipFile)
	damaged := write(t, filepath.Join(dir, "damaged.gz"), z[:len(z)-200])
	missing, xz := filepath.Join(dir, "missing"), write(t, filepath.Join(dir, "packed.xz"), "\xfd7zXZ\x00rest")
	files, exit = importing(t, p, "", missing, damaged, xz, write(t, filepath.Join(dir, "good"), fileLine(7)))
	if exit != 1 || len(files) != 4 {
		t.Fatalf("exit %d, %+v", exit, files)
	}
	for i, says := range []string{"missing cannot be read: no such file", "read damaged.gz: unexpected EOF", "packed with xz", ""} {
		if !strings.Contains(files[i].Error, says) || (says == "") != (files[i].Error == "") {
			t.Errorf("file %d: error %q, want %q", i, files[i].Error, says)
		}
	}
	if d := files[1]; d.Accepted < 26 || d.Stored == nil || *d.Stored != 24 || *d.Duplicate != d.Accepted-26 {
		t.Errorf("of the damaged file %v", countsOf(d.Import))
	}
	if countsOf(files[3].Import) != (counted{1, 1, 0, 0, 0}) {
		t.Errorf("of the good file %v", countsOf(files[3].Import))
	}
	if _, stderr, exit := once(t, "", "import", "--url", "http://127.0.0.1:1", damaged); exit != 1 || !strings.Contains(stderr, "nobody answers at http://127.0.0.1:1") {
		t.Errorf("without a service: exit %d, %q", exit, stderr)
	}
	out, _, exit := once(t, "", "import", "--url", p.web, filepath.Join(dir, "good"))
	if want := "FILE  ACCEPTED  STORED  DUPLICATE  UNPARSED  OTHER\ngood  1         0       1          0         0\n"; exit != 0 || out != want {
		t.Errorf("exit %d, printed %q, want %q", exit, out, want)
	}
}

// TestImportBrokenOff: of an upload that ends too early nothing is accepted.
func TestImportBrokenOff(t *testing.T) {
	p := serve(t, folder(t))
	c, err := net.Dial("tcp", strings.TrimPrefix(p.web, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST /api/v1/import?name=x HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n%s", strings.Repeat(fileLine(1), 10))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !bytes.Contains(answer, []byte("400 Bad Request")) || !bytes.Contains(answer, []byte("nothing of it was accepted")) {
		t.Errorf("error %v, answer %q", err, answer)
	}
	if s := p.settled(); s.Received != 0 {
		t.Errorf("stats %+v", s)
	}
	r, err := http.Post(p.web+"/api/v1/import?name=a&nam=b", "text/plain", strings.NewReader(fileLine(1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("unknown parameter: %s", r.Status)
	}
}

// TestImportTogether imports several files at the same time, while the wire goes on: each learns its own numbers.
func TestImportTogether(t *testing.T) {
	p := serve(t, folder(t))
	var wait sync.WaitGroup
	post := func(text string) (done api.Import) {
		r, err := http.Post(p.web+"/api/v1/import?wait=true", "text/plain", strings.NewReader(text))
		if err != nil {
			t.Error(err)
			return done
		}
		defer func() { _ = r.Body.Close() }()
		if err := json.NewDecoder(r.Body).Decode(&done); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("%s, %v", r.Status, err)
		}
		return done
	}
	for i := range 6 {
		wait.Go(func() {
			var b strings.Builder
			for j := range 50 {
				b.WriteString(mixed(100_000*(i+1) + 100*j))
			}
			want := counted{50 * 26, 50 * 24, 0, 50, 50}
			if got := countsOf(post(b.String())); got != want {
				t.Errorf("import %d: %v, want %v", i, got, want)
			}
		})
	}
	wait.Go(func() {
		for i := range 20 {
			send(t, "tcp", p.tcp, wireLine(900_000+2*i)+wireLine(900_000+2*i+1))
		}
	})
	wait.Wait()
	p.wait("everything is received", func() bool { return p.stats().Received == 6*50*26+40 })
	if s := p.settled(); s.Stored != 6*50*24+40 || s.Duplicate != 0 || s.Unparsed != 300 || s.Other != 300 {
		t.Errorf("stats %+v", s)
	}
}

// asFile turns a message as it is sent into the line that the node keeps.
func asFile(l simulate.Line) string {
	_, message, _ := bytes.Cut(l.Raw, []byte(">"))
	return fmt.Sprintf("%s %s local7 3 ccm: %s\n", l.At.UTC().Format("Jan _2 15:04:05"), l.Node, message)
}

// TestImportOffline analyses a week of an office without a service.
func TestImportOffline(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	until := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	truth, err := simulate.Run(t.Context(), simulate.Options{Scenario: "office", From: until.AddDate(0, 0, -7), Until: until, Seed: 7, Loss: -1},
		func(l simulate.Line) error {
			_, err := b.WriteString(asFile(l))
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(t.TempDir(), "AlternateSyslog.gz"), packed(t, b.String(), gzipFile))
	out, stderr, exit := once(t, "", "import", "--offline", "--json", path)
	var f found
	if err := json.Unmarshal([]byte(out), &f); err != nil || exit != 0 {
		t.Fatalf("exit %d, %v in %q; stderr %q", exit, err, out, stderr)
	}
	if got, want := countsOf(f.Total), (counted{truth.Lines, truth.Lines, 0, 0, 0}); got != want {
		t.Errorf("total %v, want %v", got, want)
	}
	if from := until.AddDate(0, 0, -7); f.Window.From.Before(from) || f.Window.From.After(from.Add(time.Hour)) ||
		f.Window.To.After(until) || f.Window.To.Before(until.Add(-time.Hour)) {
		t.Errorf("window %v", f.Window)
	}
	checkPeriods(t, f.Patterns, truth)

	out, stderr, exit = once(t, "", "import", "--offline", path)
	for _, says := range []string{"PERIODS: 10", "sip-refresh-first-packet-loss", "check", "FLAPPING", "OUTAGES"} {
		if !strings.Contains(out, says) {
			t.Errorf("the report does not say %q:\n%s", says, out)
		}
	}
	if exit != 0 || stderr != "" {
		t.Errorf("exit %d, stderr %q", exit, stderr)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// checkPeriods compares what was found with what was played.
func checkPeriods(t *testing.T, found []api.Pattern, truth simulate.Truth) {
	t.Helper()
	var got, want []string
	for _, p := range found {
		got = append(got, fmt.Sprintf("%s %.0f s %s", p.Device, p.PeriodSeconds/100, p.Diagnoses[0].ID))
	}
	for _, d := range truth.Devices {
		if d.Periodic {
			want = append(want, fmt.Sprintf("%s %.0f s %s", d.Device, d.PeriodSeconds/100, d.Cause))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("periods\n%q\nwant\n%q", got, want)
	}
}

// TestImportOfflineEnds: an analysis that is interrupted leaves nothing behind, and one of nothing says so.
func TestImportOfflineEnds(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	c := command(t, "import", "--offline", "-")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, fileLine(1)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if begun, _ := filepath.Glob(filepath.Join(temp, "*", "import-*")); len(begun) > 0 || time.Now().After(deadline) {
			break
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("interrupted: %v", err)
	}
	piped := command(t, "import", "--offline", "-") // to one who reads nothing of it
	piped.Stdin = strings.NewReader(fileLine(1))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	piped.Stdout = writer
	if said, err := piped.StderrPipe(); err != nil || piped.Start() != nil {
		t.Fatal(err)
	} else if text, err := io.ReadAll(said); err != nil || len(text) > 0 {
		t.Errorf("into a closed pipe: %q, %v", text, err)
	}
	if _ = piped.Wait(); piped.ProcessState.ExitCode() != 141 {
		t.Errorf("into a closed pipe: %v", piped.ProcessState)
	}
	_ = writer.Close()
	if _, stderr, exit := once(t, "", "import", "--offline", filepath.Join(temp, "missing")); exit != 1 || !strings.Contains(stderr, "nothing could be imported") {
		t.Errorf("missing file: exit %d, %q", exit, stderr)
	}
	if out, stderr, exit := once(t, "", "import", "--offline", "-"); exit != 0 || !strings.Contains(out, "no CUCM alarm was found") {
		t.Errorf("empty file: exit %d, %q, %q", exit, out, stderr)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
