package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"flapwatch/ingest"
)

// The peers write each message to a file, with the fields taken out of it.
//
//go:embed peers/rsyslog.conf
var rsyslogConf string

//go:embed peers/cucm.rb
var rsyslogRules string

//go:embed peers/syslog-ng.conf
var syslogNGConf string

// peer is a receiver from the distribution's packages, unpacked into a folder of ours: the two conflict with each other.
type peer struct {
	title    string
	packages []string
	root     string
	binary   string // below root
	config   func(p peer, address, transport string) string
	args     []string
}

func (p peer) name() string { return p.title }

func rsyslog(cache string) peer {
	return peer{
		title: "rsyslog", packages: []string{"rsyslog", "libestr0", "libfastjson4", "liblognorm5"}, root: filepath.Join(cache, "rsyslog"),
		binary: "usr/sbin/rsyslogd", args: []string{"-n", "-C", "-f", "conf", "-i", "pid"},
		config: func(p peer, address, transport string) string {
			host, port, _ := strings.Cut(address, ":")
			input := fmt.Sprintf(`module(load="imptcp" threads="1") input(type="imptcp" address="%s" port="%s" ruleset="r")`, host, port)
			if transport == "udp" {
				input = fmt.Sprintf(`module(load="imudp" threads="1" batchSize="128" timeRequery="128") `+
					`input(type="imudp" rcvbufSize="%d" address="%s" port="%s" ruleset="r")`, ingest.ReceiveBuffer, host, port)
			}
			return rsyslogConf + input + "\n"
		},
	}
}

func syslogNG(cache string) peer {
	return peer{
		title: "syslog-ng", packages: []string{"syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0"}, root: filepath.Join(cache, "syslog-ng"),
		binary: "usr/sbin/syslog-ng", args: []string{"-F", "--no-caps", "-f", "conf", "-R", "persist", "-p", "pid", "-c", "control",
			"--module-path=" + filepath.Join(cache, "syslog-ng/usr/lib/syslog-ng/3.38")},
		config: func(p peer, address, transport string) string {
			host, port, _ := strings.Cut(address, ":")
			options := `max-connections(10) log-iw-size(100000) log-fetch-limit(1000)`
			if transport == "udp" {
				options = fmt.Sprintf(`log-iw-size(100000) log-fetch-limit(1000) so-rcvbuf(%d)`, ingest.ReceiveBuffer)
			}
			return fmt.Sprintf(syslogNGConf, p.root, transport, host, port, options)
		},
	}
}

// fetch unpacks the packages, once.
func (p peer) fetch(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(p.root, p.binary)); err == nil {
		return nil
	}
	temp, err := os.MkdirTemp("", "peer-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := command(ctx, temp, "apt-get", append([]string{"download"}, p.packages...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(temp + "/*.deb")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.root, 0o750); err != nil { // dpkg-deb makes the last folder only
		return err
	}
	for _, f := range files {
		if err := command(ctx, temp, "dpkg-deb", "-x", f, p.root); err != nil {
			return err
		}
	}
	return nil
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(text))
	}
	return nil
}

type peerRun struct {
	*process
	at, file string
	offset   int64
	lines    int
}

func (p peer) begin(dir, transport string) (running, error) {
	at, err := freePort()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"conf": p.config(p, at, transport), "cucm.rb": rsyslogRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	lib := filepath.Join(p.root, "usr/lib")
	env := []string{
		"LD_LIBRARY_PATH=" + strings.Join([]string{lib + "/x86_64-linux-gnu", p.root + "/lib/x86_64-linux-gnu", lib + "/syslog-ng"}, ":"),
		"RSYSLOG_MODDIR=" + lib + "/x86_64-linux-gnu/rsyslog",
	}
	c, err := start(dir, env, filepath.Join(p.root, p.binary), p.args...)
	if err != nil {
		return nil, err
	}
	r := &peerRun{process: c, at: at, file: filepath.Join(dir, "out")}
	if transport == "tcp" {
		err = await(at)
	} else {
		time.Sleep(2 * time.Second) // a datagram socket cannot be asked
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("%w: %s", err, r.log.String())
	}
	return r, nil
}

func (r *peerRun) address() string { return r.at }
func (r *peerRun) pid() int        { return r.Process.Pid }
func (r *peerRun) end()            { r.stop() }

// flushed counts what a peer has written once it has ended: it may hold the last messages back until then.
func (r *peerRun) flushed() (int, error) {
	r.stop()
	return r.done()
}

// done counts the lines of the file that were written since the last call.
func (r *peerRun) done() (int, error) {
	f, err := os.Open(r.file)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
		return 0, err
	}
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		r.offset += int64(n)
		r.lines += bytes.Count(buf[:n], []byte{'\n'})
		if err == io.EOF {
			return r.lines, nil
		}
		if err != nil {
			return r.lines, err
		}
	}
}

// programs gives what can be measured here, and why the rest cannot.
func programs(ctx context.Context, o options) (list []subject, skipped []string) {
	wanted := func(name string) bool { return o.only == "" || strings.Contains(","+o.only+",", ","+name+",") }
	if wanted("bare loop") || wanted("bare") {
		list = append(list, bare{})
	}
	if wanted("flapwatch") {
		path, err := filepath.Abs(o.program)
		if err != nil {
			path = o.program
		}
		list = append(list, flapwatch{path, o.extra})
	}
	for _, p := range []peer{rsyslog(o.cache), syslogNG(o.cache)} {
		if !wanted(p.title) {
			continue
		}
		if err := p.fetch(ctx); err != nil {
			skipped = append(skipped, fmt.Sprintf("%s: %v", p.title, err))
			continue
		}
		list = append(list, p)
	}
	return list, skipped
}
