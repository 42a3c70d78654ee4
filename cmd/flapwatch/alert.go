package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"flapwatch/event"
	"flapwatch/notify"
	"flapwatch/pattern"
)

// secret is a setting that is never printed.
type secret string

// String implements fmt.Stringer.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return "(not shown)"
}

// receiver is the URL of somebody who takes alerts; what stands behind the host may be a secret.
type receiver string

// String implements fmt.Stringer.
func (r receiver) String() string {
	u, err := url.Parse(string(r))
	switch {
	case r == "":
		return ""
	case err != nil || u.Host == "":
		return "(not shown)"
	case strings.Trim(u.Path, "/") == "" && u.RawQuery == "":
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// alertChannels are the settings of where alerts go.
type alertChannels struct {
	Webhook      receiver  `help:"Post alerts as JSON to this address." name:"alert-webhook" placeholder:"URL"`
	Secret       secret    `help:"Sign what is posted with this key (X-Flapwatch-Signature)." name:"alert-webhook-key" placeholder:"KEY"`
	Alertmanager receiver  `help:"Hand alerts to this Prometheus Alertmanager." name:"alert-alertmanager" placeholder:"URL"`
	Slack        receiver  `help:"Post alerts to this incoming webhook of Slack, Mattermost or the like." name:"alert-slack" placeholder:"URL"`
	MailTo       []string  `help:"Mail alerts to these addresses, through --report-mail-smtp and from --report-mail-from." name:"alert-mail-to" placeholder:"ADDRESS"`
	Allow        []network `help:"Loopback and private networks that alerts may be posted to; public ones always are." name:"alert-allow" placeholder:"CIDR"`
}

// channels makes them; none is no error.
func (c *alertChannels) channels(post reportMail) (list []notify.Channel, err error) {
	poster := notify.NewPoster(prefixes(c.Allow))
	for _, u := range []struct {
		flag string
		to   receiver
		make func(to string) notify.Channel
	}{
		{"--alert-webhook", c.Webhook, func(to string) notify.Channel {
			return &notify.Webhook{Poster: poster, URL: to, Secret: string(c.Secret), Now: time.Now}
		}},
		{"--alert-alertmanager", c.Alertmanager, func(to string) notify.Channel { return &notify.Alertmanager{Poster: poster, URL: to} }},
		{"--alert-slack", c.Slack, func(to string) notify.Channel { return &notify.Slack{Poster: poster, URL: to} }},
	} {
		if u.to == "" {
			continue
		}
		if bad := notify.CheckURL(string(u.to)); bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", u.flag, bad))
			continue
		}
		list = append(list, u.make(string(u.to)))
	}
	if c.Secret != "" && c.Webhook == "" {
		err = errors.Join(err, errors.New("--alert-webhook-key: there is no --alert-webhook to sign for"))
	}
	if len(c.MailTo) > 0 {
		post.To = c.MailTo
		server, envelope, bad := post.post()
		err = errors.Join(err, bad)
		list = append(list, &notify.Mail{Server: server, Envelope: envelope})
	}
	if err != nil {
		return nil, usageError{err}
	}
	return list, nil
}

// alertSettings are the settings of alerts that the service makes by itself.
type alertSettings struct {
	alertChannels
	Kinds         []string      `help:"What is told: flapping, period, outage, silence, lag." name:"alert-on" enum:"flapping,period,outage,silence,lag" default:"flapping,period,outage,silence,lag" placeholder:"KIND"`
	Window        days          `help:"Look at so much of the past; slow periods need more." name:"alert-window" default:"24h"`
	Drops         int           `help:"Tell of a flapping device from so many unplanned unregistrations in the window on." name:"alert-drops" default:"3"`
	Confidence    string        `help:"Tell of a period that is an alarm, or also of a likely one." name:"alert-confidence" enum:"alarm,likely" default:"alarm"`
	OutageDevices int           `help:"Tell of an outage from so many devices on." name:"alert-outage-devices" default:"5"`
	Silence       days          `help:"Tell of a node that nothing came from for so long; a node that seldom speaks gets five times its usual pause." name:"alert-silence" default:"24h"`
	Lag           days          `help:"Tell that the store is behind when a message waits so long for it." name:"alert-lag" default:"10m"`
	Gather        time.Duration `help:"Wait so long for more devices of a new cause, then tell all in one message." name:"alert-gather" default:"10m"`
	More          days          `help:"Tell devices that join a cause at most once in so long." name:"alert-more" default:"4h"`
}

// thresholds checks and translates.
func (s *alertSettings) thresholds() (t notify.Thresholds, err error) {
	t = notify.Thresholds{
		Window: time.Duration(s.Window), Drops: s.Drops, Confidence: pattern.Confidence(s.Confidence), OutageDevices: s.OutageDevices,
		Silence: time.Duration(s.Silence), Lag: time.Duration(s.Lag), Gather: s.Gather, More: time.Duration(s.More),
	}
	for _, k := range s.Kinds {
		t.Kinds = append(t.Kinds, notify.Kind(k))
	}
	for _, x := range []struct {
		flag string
		ok   bool
		says string
	}{
		{"--alert-drops", s.Drops >= 1, "write a number from 1 on"},
		{"--alert-outage-devices", s.OutageDevices >= 1, "write a number from 1 on"},
		{"--alert-window", t.Window >= time.Hour && t.Window <= 31*24*time.Hour, "it lies between 1h and 31d"},
		{"--alert-lag", t.Lag >= time.Minute, "it is 1m or longer"},
		{"--alert-silence", t.Silence >= 10*time.Minute, "it is 10m or longer"},
		{"--alert-gather", t.Gather >= 0, "it is not negative"},
	} {
		if !x.ok {
			err = errors.Join(err, fmt.Errorf("%s: %s", x.flag, x.says))
		}
	}
	if err != nil {
		return t, usageError{err}
	}
	return t, nil
}

// newAlerter makes it; nil where no channel is set.
func (s *service) newAlerter(c *serveCmd) (*notify.Alerter, error) {
	channels, err := c.channels(c.reportMail)
	if err != nil {
		return nil, err
	}
	thresholds, err := c.thresholds()
	if err != nil || len(channels) == 0 {
		return nil, err
	}
	return notify.NewAlerter(notify.Options{
		Thresholds: thresholds, Findings: s.watch, Senders: s.database, Backlog: s.backlog, Channels: channels,
		File: filepath.Join(c.Data, "alerts.json"), Started: time.Now(), Metrics: notify.NewMetrics(s.metrics), Log: s.log,
	})
}

// backlog is what waits for the store.
func (s *service) backlog() notify.Backlog {
	q := s.spool.Stats()
	b := notify.Backlog{Oldest: q.Oldest, Bytes: q.Bytes, Cap: int64(s.settings.SpoolCap)}
	if err := s.database.ready(); err != nil {
		b.Trouble = err.Error()
	}
	return b
}

// Heard gives the nodes that were heard from peers.
func (d *database) Heard(ctx context.Context, since time.Time) ([]event.Heard, error) {
	s, err := d.use()
	if err != nil {
		return nil, err
	}
	return s.Heard(ctx, since)
}

// alertCmd holds the commands about alerts.
type alertCmd struct {
	Test alertTestCmd `cmd:"" help:"Send a test notice to each channel, to see whether it arrives."`
}

// alertTestCmd tries the channels.
type alertTestCmd struct {
	alertChannels
	From string `help:"Sender of the mail." name:"report-mail-from" placeholder:"ADDRESS"`
	SMTP string `help:"Mail server, as in serve." name:"report-mail-smtp" placeholder:"URL"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Help shows how it is used.
func (alertTestCmd) Help() string {
	return `Takes the settings of serve from flags, environment and settings file. Exit status 1 if a channel does not take the notice.

Examples:
  flapwatch alert test --config /etc/flapwatch.yaml
  FLAPWATCH_ALERT_SLACK=https://hooks.slack.com/services/... flapwatch alert test
  flapwatch alert test --alert-webhook http://127.0.0.1:9000/ --alert-allow 127.0.0.0/8`
}

// tried is how one channel did.
type tried struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Says    string `json:"says"`
}

// Run sends a notice to each channel.
func (c *alertTestCmd) Run(ctx context.Context, con *console) error {
	channels, err := c.channels(reportMail{From: c.From, SMTP: c.SMTP})
	if err != nil {
		return err
	}
	if len(channels) == 0 {
		return usageError{errors.New("no channel is set: name one with --alert-webhook, --alert-alertmanager, --alert-slack or --alert-mail-to")}
	}
	var list []tried
	failed := 0
	for _, channel := range channels {
		x := tried{channel.Name(), true, "taken"}
		if err := channel.Send(ctx, notify.TestNotice(time.Now())); err != nil {
			x.OK, x.Says = false, err.Error()
			failed++
		}
		list = append(list, x)
	}
	if err := c.print(con, list); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d channels did not take the notice", failed, len(list))
	}
	return nil
}

func (c *alertTestCmd) print(con *console, list []tried) error {
	if c.JSON {
		return printJSON(con.out, list)
	}
	t := newTable(con.out, "CHANNEL", "STATE", "")
	for _, x := range list {
		state := good
		if !x.OK {
			state = wrong
		}
		t.row(x.Channel, state, x.Says)
	}
	return t.Flush()
}
