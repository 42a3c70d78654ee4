package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on any machine

	"flapwatch/event"
	"flapwatch/notify"
	"flapwatch/report"
	"flapwatch/watch"
)

// reportCmd holds the reports.
type reportCmd struct {
	Weekly weeklyCmd `cmd:"" help:"What happened in a week, why, and what to do first."`
}

// weeklyCmd asks for the weekly report.
type weeklyCmd struct {
	remote
	Week    string   `help:"Week of ISO 8601; default: the last one that is over; with --offline the last one in the files." placeholder:"2026-W47"`
	Zone    string   `help:"Time zone of the week and of its times." default:"UTC" name:"tz" placeholder:"Europe/Berlin"`
	Format  string   `help:"html, md, csv or json." enum:"html,md,csv,json" default:"md"`
	Output  string   `help:"Write to this file instead of the terminal." short:"o" placeholder:"FILE" type:"path"`
	Mail    bool     `help:"Mail it as the --report-mail-… settings say."`
	Offline []string `help:"Read these files instead of asking a service." placeholder:"PATH" sep:"none"`
	Paths   []string `arg:"" optional:"" help:"More files for --offline."`

	Senders []senderZone `help:"With --offline: time zone of times that name none." name:"zone" placeholder:"Europe/Berlin"`

	reportMail `embed:""`
}

// reportMail are the settings of mail with the report.
type reportMail struct {
	To   []string `help:"Mail the report to these addresses." name:"report-mail-to" placeholder:"ADDRESS"`
	From string   `help:"Sender of the mail." name:"report-mail-from" placeholder:"ADDRESS"`
	SMTP string   `help:"Mail server: smtp://user:password@host:587 (STARTTLS), smtps://host:465, smtp://host:25?tls=none; ?ca=FILE." name:"report-mail-smtp" placeholder:"URL"`
}

// post gives server and envelope, or what is missing.
func (m *reportMail) post() (notify.Server, notify.Envelope, error) {
	var missing []string
	for _, s := range []struct {
		flag string
		is   bool
	}{{"--report-mail-to", len(m.To) > 0}, {"--report-mail-from", m.From != ""}, {"--report-mail-smtp", m.SMTP != ""}} {
		if !s.is {
			missing = append(missing, s.flag)
		}
	}
	if len(missing) > 0 {
		return notify.Server{}, notify.Envelope{}, usageError{errors.New("mail needs " + strings.Join(missing, " and "))}
	}
	for _, a := range append([]string{m.From}, m.To...) {
		if _, err := mail.ParseAddress(a); err != nil {
			return notify.Server{}, notify.Envelope{}, usageError{fmt.Errorf("%q is no mail address; write it as voice@example.org", a)}
		}
	}
	server, err := notify.ParseServer(m.SMTP)
	if err != nil {
		return server, notify.Envelope{}, usageError{fmt.Errorf("--report-mail-smtp: %w", err)}
	}
	return server, notify.Envelope{From: m.From, To: m.To}, nil
}

// Run prints, writes or mails the report.
func (c *weeklyCmd) Run(ctx context.Context, con *console) error {
	var server notify.Server
	var envelope notify.Envelope
	var err error
	if c.Mail {
		if server, envelope, err = c.post(); err != nil {
			return err
		}
	}
	if len(c.Paths) > 0 && len(c.Offline) == 0 {
		return usageError{errors.New("files are read with --offline")}
	}
	r, missing, err := c.report(ctx, con)
	if err != nil {
		return err
	}
	if c.Mail {
		if err := server.SendReport(ctx, envelope, r); err != nil {
			return err
		}
		fmt.Fprintf(con.err, "mailed the report of week %s to %s\n", r.Week, strings.Join(envelope.To, ", "))
	}
	if !c.Mail || c.Output != "" {
		err = c.print(con.out, r)
	}
	return errors.Join(err, failures(missing))
}

// report asks the service, or reads the files and tells how many could not be read whole.
func (c *weeklyCmd) report(ctx context.Context, con *console) (r *report.Report, missing int, err error) {
	if len(c.Offline) == 0 {
		q := url.Values{"tz": {c.Zone}, "format": {"json"}}
		if c.Week != "" {
			q.Set("week", c.Week)
		}
		r = new(report.Report)
		return r, 0, c.get(ctx, "/reports/weekly", q, r)
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, 0, usageError{fmt.Errorf("--tz %q: there is no such time zone; write it as Europe/Berlin", c.Zone)}
	}
	var week report.Week
	if c.Week != "" {
		if week, err = report.ParseWeek(c.Week); err != nil {
			return nil, 0, usageError{fmt.Errorf("--week: %w", err)}
		}
	}
	err = withOffline(ctx, con, append(c.Offline, c.Paths...), c.Senders, func(o *offlineStore) (err error) {
		missing = failed(o.files)
		printFailed(con.err, o.files)
		if o.totals.Stored == 0 {
			return errors.New("no CUCM alarm was found in these files: flapwatch import --offline tells what they hold")
		}
		if c.Week == "" {
			week = report.WeekOf(o.window.To.In(zone))
		}
		r, err = o.weekly(ctx, week, zone, time.Now())
		return err
	})
	return r, missing, err
}

// print renders the report to the file or to out.
func (c *weeklyCmd) print(out io.Writer, r *report.Report) error {
	format, err := report.FormatOf(c.Format)
	if err != nil {
		return usageError{err}
	}
	if c.Output == "" {
		return format.Write(out, r)
	}
	return writeReport(c.Output, format, r)
}

// writeReport writes a report whole or not at all.
func writeReport(path string, format report.Format, r *report.Report) error {
	var b bytes.Buffer
	if err := format.Write(&b, r); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".report-*")
	if err == nil {
		_, err = f.Write(b.Bytes())
		if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, rootCause(err))
	}
	return nil
}

// reportSource puts findings and histories together.
type reportSource struct {
	*watch.Watch
	database *database
}

// Histories implements report.Source.
func (r reportSource) Histories(ctx context.Context, f event.Filter, yield func(event.History) error) error {
	return r.database.Histories(ctx, f, yield)
}

// weekly makes the report of a week.
func (s *service) weekly(ctx context.Context, w report.Week, zone *time.Location, now time.Time) (*report.Report, error) {
	return report.Weekly(ctx, reportSource{s.watch, s.database}, report.Options{
		Week: w, Location: zone, Now: now, Catalogue: s.catalogue, Senders: s.database, Archive: s.archive,
	})
}

// fingerprint tells this program from any other, also one of the same version.
func fingerprint() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// reportSchedule are the settings of the report that the service makes by itself.
type reportSchedule struct {
	Folder string `help:"Write the weekly report into this folder, as HTML, Markdown, CSV and JSON." name:"report-folder" type:"path" placeholder:"FOLDER"`
	reportMail
	Day  string `help:"Day of the report." name:"report-day" enum:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" default:"monday"`
	Hour int    `help:"Hour of the report, 0 to 23." name:"report-hour" default:"6"`
	Zone string `help:"Time zone of the report." name:"report-tz" default:"UTC" placeholder:"Europe/Berlin"`
}

// reporter makes the report when it is due.
type reporter struct {
	reportSchedule
	zone     *time.Location
	server   notify.Server
	envelope notify.Envelope
	mails    bool
	done     string // file that names the last week that was reported
}

// newReporter checks the settings; nil if nobody wants a report. Alerts may use the mail server, too.
func newReporter(s reportSchedule, data string, alerts bool) (*reporter, error) {
	r := &reporter{reportSchedule: s, done: filepath.Join(data, "report.json")}
	r.mails = len(s.To) > 0 || (!alerts && (s.SMTP != "" || s.reportMail.From != ""))
	var err, bad error
	if r.zone, bad = time.LoadLocation(s.Zone); bad != nil {
		err = errors.Join(err, usageError{fmt.Errorf("--report-tz %q: there is no such time zone; write it as Europe/Berlin", s.Zone)})
	}
	if s.Hour < 0 || s.Hour > 23 {
		err = errors.Join(err, usageError{fmt.Errorf("--report-hour %d: it lies between 0 and 23", s.Hour)})
	}
	if r.mails {
		r.server, r.envelope, bad = s.post()
		err = errors.Join(err, bad)
	}
	if err != nil || !r.mails && s.Folder == "" {
		return nil, err
	}
	return r, nil
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// due gives the moment at which the report of a week is due: on the day and hour after its end.
func (r *reporter) due(w report.Week) time.Time {
	end := w.Window(r.zone).To
	after := 0
	for i, d := range weekdays {
		if d == r.Day {
			after = i
		}
	}
	return time.Date(end.Year(), end.Month(), end.Day()+after, r.Hour, 0, 0, 0, r.zone)
}

// next gives the next moment at which a report is due, and its week.
func (r *reporter) next(now time.Time) (time.Time, report.Week) {
	w := report.WeekOf(r.latest(now).Window(r.zone).To)
	return r.due(w), w
}

// latest is the last week whose report is due.
func (r *reporter) latest(now time.Time) report.Week {
	w := report.LastWeek(now.In(r.zone))
	if now.Before(r.due(w)) {
		w = w.Before()
	}
	return w
}

// reported is what was done already. Folder and mail are kept apart, so that one that failed is tried again alone.
type reported struct {
	Folder string `json:"folder"`
	Mail   string `json:"mail"`
}

// start reads what was done. A service that makes reports for the first time begins with the next one that falls due.
func (r *reporter) start(now time.Time) (reported, error) {
	var d reported
	text, err := os.ReadFile(r.done)
	if err == nil {
		if err := json.Unmarshal(text, &d); err != nil {
			return d, fmt.Errorf("read %s: %w", r.done, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return d, fmt.Errorf("read what was reported: %w", err)
	}
	latest := r.latest(now).String()
	if d.Folder == "" || r.Folder == "" {
		d.Folder = latest
	}
	if d.Mail == "" || !r.mails {
		d.Mail = latest
	}
	return d, r.keep(d)
}

func (r *reporter) keep(d reported) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.done+".new", text, 0o640); err != nil {
		return fmt.Errorf("keep what was reported: %w", err)
	}
	return os.Rename(r.done+".new", r.done)
}

const (
	soonest = 2 * time.Second // a report that failed is tried again after this, then ever more rarely,
	seldom  = time.Hour       // up to this
)

// run makes the reports as they fall due, until ctx ends. One that fell due while the service was down is made at the start.
func (r *reporter) run(ctx context.Context, s *service) error {
	done, err := r.start(time.Now())
	if err != nil {
		return err
	}
	for s.database.ready() != nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
	for pause := soonest; ; {
		now := time.Now()
		due := r.latest(now)
		wait := pause
		if err := r.make(ctx, s, due, now, &done); err != nil {
			s.log.Warn("weekly report", "week", due.String(), "error", err, "again_in", pause.String())
			pause = min(2*pause, seldom)
		} else {
			pause = soonest
			wait = min(time.Until(r.due(report.WeekOf(due.Window(r.zone).To))), seldom) // the clock may be set
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// make does what is missing of the report of a week.
func (r *reporter) make(ctx context.Context, s *service, w report.Week, now time.Time, done *reported) error {
	if done.Folder == w.String() && done.Mail == w.String() {
		return nil
	}
	made, err := s.weekly(ctx, w, r.zone, now)
	if err != nil {
		return err
	}
	var failed error
	if done.Folder != w.String() {
		if err := r.write(made); err != nil {
			failed = err
		} else {
			done.Folder = w.String()
		}
	}
	if done.Mail != w.String() {
		if err := r.server.SendReport(ctx, r.envelope, made); err != nil {
			failed = errors.Join(failed, err)
		} else {
			done.Mail = w.String()
			s.log.Info("weekly report mailed", "week", w.String(), "to", strings.Join(r.envelope.To, " "))
		}
	}
	return errors.Join(failed, r.keep(*done))
}

// write puts all forms into the folder.
func (r *reporter) write(made *report.Report) error {
	for _, f := range report.Formats() {
		if err := writeReport(filepath.Join(r.Folder, "phones-"+made.Week+"."+f.Name), f, made); err != nil {
			return err
		}
	}
	return nil
}
