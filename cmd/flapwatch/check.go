package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"flapwatch/engine"
	"flapwatch/ingest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/alecthomas/kong"
	"golang.org/x/sys/unix"
)

// checkCmd says what serve would run with: its flags are those of serve.
type checkCmd struct {
	serveCmd
	JSON bool `help:"Print JSON." name:"json"`

	held []io.Closer // sockets that were free, so that no two settings get the same
}

// Help says what the exit status means.
func (checkCmd) Help() string {
	return `Takes the flags, the environment and the settings file of serve. Exit status 1 if something is wrong; a note is no fault.

Examples:
  flapwatch check
  flapwatch check --config /etc/flapwatch.yaml --json
  flapwatch check --syslog udp://:514,tcp://:601 --data /var/lib/flapwatch`
}

// Findings of a check, in the order of how much they matter.
const (
	good  = "good"
	note  = "note"
	wrong = "wrong"
)

// checked is one thing that was looked at.
type checked struct {
	What  string `json:"what"`
	State string `json:"state"` // good, note, wrong
	Says  string `json:"says"`
}

// setting is one flag of serve and its value, without secrets.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Run looks at everything.
func (c *checkCmd) Run(ctx context.Context, con *console, command *kong.Context) error {
	var answer struct {
		Settings []setting `json:"settings"`
		Checks   []checked `json:"checks"`
	}
	answer.Settings = settings(command.Selected().Flags)
	defer func() {
		for _, l := range c.held {
			_ = l.Close()
		}
	}()
	running := c.answers(ctx)
	for _, look := range []func() []checked{
		func() []checked { return strangers(command.Model, os.Environ()) },
		func() []checked { return c.door(running) },
		func() []checked { return c.sockets(running) },
		c.buffers,
		c.disk,
		func() []checked { return c.clickhouse(ctx) },
		c.reports,
		c.alerts,
		clockState,
	} {
		answer.Checks = append(answer.Checks, look()...)
	}
	var err error
	if c.JSON {
		err = printJSON(con.out, answer)
	} else {
		err = printChecks(con.out, answer.Settings, answer.Checks)
	}
	bad := 0
	for _, x := range answer.Checks {
		if x.State == wrong {
			bad++
		}
	}
	if bad > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d checks found something wrong", bad, len(answer.Checks)))
	}
	return err
}

func printChecks(w io.Writer, settings []setting, checks []checked) error {
	t := newTable(w, "SETTING", "VALUE")
	for _, s := range settings {
		t.row("--"+s.Name, s.Value)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t = newTable(w, "CHECK", "STATE", "")
	for _, x := range checks {
		t.row(x.What, x.State, x.Says)
	}
	return t.Flush()
}

// settings lists the flags of serve. Of addresses with a password only the host is shown.
func settings(flags []*kong.Flag) (list []setting) {
	for _, f := range flags {
		if f.Name == "help" || f.Name == "config" || f.Name == "json" || f.Hidden {
			continue
		}
		value := strings.Trim(fmt.Sprint(f.Target.Interface()), "[]")
		list = append(list, setting{f.Name, hidePassword(value)})
	}
	return list
}

// hidePassword keeps the secrets of an address, or of each of several, to itself.
func hidePassword(value string) string {
	words := strings.Fields(value)
	for i, w := range words {
		secret := strings.Contains(w, "@") && strings.Contains(w, "://") // a mail address is none
		if !secret && !strings.Contains(strings.ToLower(w), "pass") {
			continue
		}
		u, err := url.Parse(w)
		if err != nil || u.Host == "" {
			words[i] = "(not shown)"
			continue
		}
		u.RawQuery = ""
		words[i] = u.Redacted()
	}
	return strings.Join(words, " ")
}

// strangers are variables of the environment that look like settings and are none: nothing else would say so.
func strangers(app *kong.Application, environment []string) (list []checked) {
	known := map[string]bool{"FLAPWATCH_ENGINE_LIB": true}
	for name := range names(app) {
		known[variable(name)] = true
	}
	for _, e := range environment {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "FLAPWATCH_") && !known[name] {
			list = append(list, checked{name, note, "in the environment: no setting is called so; flapwatch serve --help lists them"})
		}
	}
	return list
}

// answers says whether a service runs at the HTTP address already: then what is taken is taken by it.
func (c *checkCmd) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.scheme()+"://"+c.HTTP+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 16))
	return response.StatusCode == http.StatusOK && strings.TrimSpace(string(text)) == "ok"
}

// door looks at who may come in over HTTP.
func (c *checkCmd) door(running bool) (list []checked) {
	log := slog.New(slog.DiscardHandler)
	_, tokens := c.tokens(log)
	var certificate error
	if len(c.HTTPTLS) > 0 {
		_, certificate = c.certificate(log)
	}
	host, _, _ := net.SplitHostPort(c.HTTP)
	says := "local requests only"
	switch {
	case c.HTTPTokenFile != "":
		says = "asks for tokens"
	case c.HTTPInsecure:
		says = "open to everybody who reaches it"
	}
	if err := errors.Join(c.doorClosed(), tokens, certificate); err != nil {
		return []checked{{"http " + c.HTTP, wrong, err.Error()}}
	}
	if !c.local(host) && len(c.HTTPTLS) == 0 {
		list = append(list, checked{"http " + c.HTTP, note, "without TLS (--http-tls): tokens and answers can be read on the way"})
	}
	return append(list, c.socket("http "+c.HTTP, "tcp", c.HTTP, says, running))
}

// sockets tries the addresses that would receive.
func (c *checkCmd) sockets(running bool) (list []checked) {
	for _, a := range c.Syslog {
		if err := ingest.CheckAddress(a); err != nil {
			list = append(list, checked{"syslog", wrong, err.Error()})
			continue
		}
		u, _ := url.Parse(a)
		network := u.Scheme
		if network == "tls" {
			network = "tcp"
		}
		list = append(list, c.socket("syslog "+u.Scheme+"://"+u.Host, network, u.Host, "free", running))
	}
	return list
}

// socket binds until the end of the check.
func (c *checkCmd) socket(what, network, address, free string, running bool) checked {
	var l io.Closer
	var err error
	if network == "udp" {
		l, err = net.ListenPacket("udp", address)
	} else {
		l, err = net.Listen("tcp", address)
	}
	switch {
	case err == nil:
		c.held = append(c.held, l)
		return checked{what, good, free}
	case errors.Is(err, syscall.EADDRINUSE) && running:
		return checked{what, note, "taken; flapwatch answers at " + c.HTTP + " already"}
	case errors.Is(err, syscall.EADDRINUSE):
		return checked{what, wrong, "taken by another program, or by another of these settings: stop it, or choose another port"}
	case errors.Is(err, syscall.EACCES):
		return checked{what, wrong, "a port below 1024 needs a privilege: setcap cap_net_bind_service=+ep " + os.Args[0]}
	}
	return checked{what, wrong, err.Error()}
}

// buffers looks at the limit of receive buffers (socket(7)).
func (c *checkCmd) buffers() []checked {
	const limit = "/proc/sys/net/core/rmem_max"
	if !strings.Contains(strings.Join(c.Syslog, " "), "udp://") {
		return nil
	}
	text, err := os.ReadFile(limit)
	n, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || bad != nil:
		return []checked{{"receive buffer", note, "the kernel does not tell its limit"}}
	case n < ingest.ReceiveBuffer:
		return []checked{{"receive buffer", note, fmt.Sprintf("the kernel grants %d bytes, %d are asked for: bursts over UDP may be lost (sysctl -w net.core.rmem_max=%d)", n, ingest.ReceiveBuffer, ingest.ReceiveBuffer)}}
	}
	return []checked{{"receive buffer", good, fmt.Sprintf("the kernel grants up to %d bytes", n)}}
}

// leastDisk is the room below which the spool refuses messages soon.
const leastDisk = 1 << 30

// disk looks at the data folder, or where it would be made.
func (c *checkCmd) disk() []checked {
	folder, err := ground(c.Data)
	if err != nil {
		return []checked{{"data " + c.Data, wrong, err.Error()}}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return []checked{{"data " + c.Data, wrong, err.Error()}}
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	says := fmt.Sprintf("%d MiB free; the spool may take %d MiB", free>>20, int64(c.SpoolCap)>>20)
	switch {
	case free < leastDisk:
		return []checked{{"data " + c.Data, wrong, says + "; 1024 MiB are the least: make room, or choose another folder"}}
	case free < int64(c.SpoolCap):
		return []checked{{"data " + c.Data, note, says}}
	}
	return []checked{{"data " + c.Data, good, says}}
}

// ground is where a folder is or would be made, and an error where that cannot be written.
func ground(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		switch parent := filepath.Dir(folder); {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%s is a file: choose another folder", folder)
		case err == nil && unix.Access(folder, unix.W_OK|unix.X_OK) != nil:
			return "", fmt.Errorf("%s cannot be written: choose another folder, or change its owner", folder)
		case err == nil:
			return folder, nil
		case parent == folder:
			return "", err
		default:
			folder = parent
		}
	}
}

// clickhouse asks the server whether it answers, or looks for the library of the embedded one.
func (c *checkCmd) clickhouse(ctx context.Context) []checked {
	if c.Clickhouse == "embedded" {
		path, err := engine.Locate()
		if err != nil {
			return []checked{{"clickhouse", wrong, err.Error()}}
		}
		return []checked{{"clickhouse", good, "embedded, " + path}}
	}
	o, err := clickhouse.ParseDSN(c.Clickhouse)
	if err != nil {
		return []checked{{"clickhouse", wrong, "--clickhouse: write it as embedded or clickhouse://user:password@host:9000/database"}}
	}
	where := "clickhouse " + strings.Join(o.Addr, ", ")
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	o.Auth.Database = "" // serve makes it
	conn, err := clickhouse.Open(o)
	if err != nil {
		return []checked{{where, wrong, err.Error()}}
	}
	defer func() { _ = conn.Close() }()
	v, err := conn.ServerVersion()
	if err == nil {
		err = conn.Ping(ctx)
	}
	if err != nil {
		return []checked{{where, wrong, "does not answer: " + err.Error()}}
	}
	return []checked{{where, good, "answers, version " + v.Version.String()}}
}

// reports looks at when the weekly report is made, and whom it reaches.
func (c *checkCmd) reports() []checked {
	r, err := newReporter(c.reportSchedule, c.Data, len(c.MailTo) > 0)
	if c.Folder != "" {
		_, bad := ground(c.Folder)
		err = errors.Join(err, bad)
	}
	if err != nil {
		return []checked{{"report", wrong, err.Error()}}
	}
	if r == nil {
		return []checked{{"report", note, "none is made by itself (--report-folder, --report-mail-to)"}}
	}
	due, week := r.next(time.Now())
	says := fmt.Sprintf("of week %s at %s", week, due.Format("2006-01-02 15:04 MST"))
	if c.Folder != "" {
		says += ", into " + c.Folder
	}
	if r.mails {
		says += ", to " + strings.Join(r.To, ", ")
	}
	return []checked{{"report", good, says}}
}

// alerts looks at who would be told.
func (c *checkCmd) alerts() []checked {
	channels, err := c.channels(c.reportMail)
	_, bad := c.thresholds()
	if err = errors.Join(err, bad); err != nil {
		return []checked{{"alerts", wrong, err.Error()}}
	}
	var names []string
	for _, x := range channels {
		names = append(names, x.Name())
	}
	if len(names) == 0 {
		return []checked{{"alerts", note, "no channel is set, so nobody is told (--alert-webhook, --alert-alertmanager, --alert-slack, --alert-mail-to)"}}
	}
	return []checked{{"alerts", good, strings.Join(names, ", ") + "; flapwatch alert test shows whether it arrives"}}
}

// clockState looks at this machine's clock: receive times stand beside what nodes claim.
func clockState() []checked {
	now := time.Now()
	zone, offset := now.Zone()
	list := []checked{{"time zone", good, fmt.Sprintf("%s (UTC%+g h); everything is stored and answered in UTC", zone, float64(offset)/3600)}}
	if now.Year() < 2025 || now.Year() > 2100 {
		return append(list, checked{"clock", wrong, now.UTC().Format(time.RFC3339) + " cannot be right"})
	}
	state, says := synchronised()
	return append(list, checked{"clock", state, now.UTC().Format(time.RFC3339) + says})
}
