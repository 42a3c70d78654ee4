package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"flapwatch/api"
	"flapwatch/simulate"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// simulateCmd plays a scenario to a receiver or to standard output.
type simulateCmd struct {
	Scenario string  `help:"What to play: ${scenarios}." enum:"${scenarios}" default:"office"`
	To       string  `help:"Receiver: udp://HOST:PORT, tcp://HOST:PORT, or - for standard output." default:"udp://127.0.0.1:5514" placeholder:"URL"`
	Phones   int     `help:"Number of phones; 0 takes the scenario's own." placeholder:"N"`
	From     moment  `help:"Begin of the play: RFC 3339 or relative." default:"-7d"`
	Until    moment  `help:"End of the play." default:"now"`
	Seed     uint64  `help:"The same seed plays the same." default:"1"`
	Loss     float64 `help:"Share of messages lost on the way, 0 to 1; below 0 takes the scenario's own." default:"-1"`
	Level    string  `help:"Alarm event level of the nodes." enum:"informational,error" default:"informational"`
	Rate     float64 `help:"Most messages a second; 0 is as fast as the receiver takes them (udp: 20,000)." placeholder:"N"`
	Realtime bool    `help:"Send each message when its time has come, from now on."`
	Wait     bool    `help:"End when the service at --url has stored what was sent, whoever else sends to it."`
	remote
}

// moment is a point in time on the command line, as the API takes it.
type moment struct{ api.When }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *moment) UnmarshalText(b []byte) (err error) {
	m.When, err = api.ParseWhen(string(b))
	return err
}

func scenarioNames() string {
	var names []string
	for _, s := range simulate.Scenarios() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// Run plays.
func (c *simulateCmd) Run(ctx context.Context, con *console) error {
	now := time.Now()
	o := simulate.Options{
		Scenario: c.Scenario, Phones: c.Phones, From: c.From.On(now), Until: c.Until.On(now), Seed: c.Seed, Loss: c.Loss, Level: c.Level,
	}
	if c.Realtime {
		length := o.Until.Sub(o.From)
		o.From, o.Until = now, now.Add(length)
	}
	if !(c.Rate >= 0) {
		return usageError{fmt.Errorf("--rate: %g is no rate", c.Rate)}
	}
	var before api.Stats
	if c.Wait && c.To == "-" {
		return usageError{errors.New("--wait: nobody stores what goes to standard output; name a receiver with --to")}
	}
	if c.Wait {
		if err := c.begun(ctx, &before); err != nil {
			return err
		}
	}
	out, err := c.dial(ctx, con)
	if err != nil {
		return err
	}
	pace := pacer{realtime: c.Realtime, rate: c.Rate, began: now}
	bar := progress(con.err, c.To != "-", "playing "+c.Scenario)
	var last []byte
	truth, err := simulate.Run(ctx, o, func(l simulate.Line) error {
		if err := pace.wait(ctx, l.At); err != nil {
			return err
		}
		_ = bar.Add(1)
		last = append(last[:0], l.Raw...)
		return out.send(l.Raw)
	})
	_ = bar.Finish()
	if closed := out.Close(); err == nil {
		err = closed
	}
	if errors.Is(err, simulate.ErrOptions) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(con.err, "sent %d messages of %d devices; %d more were lost on the way, as the scenario wants it\n", truth.Lines, len(truth.Devices), truth.Lost)
	if c.Wait {
		return c.stored(ctx, con, before.Received+truth.Lines, last)
	}
	return nil
}

// begun gives the numbers before the play. A service that was just started takes a moment until it has them.
func (c *simulateCmd) begun(ctx context.Context, before *api.Stats) error {
	const patience, between = 30 * time.Second, 500 * time.Millisecond
	for end := time.Now().Add(patience); ; {
		err := c.get(ctx, "/stats", nil, before)
		if p := new(problemError); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stored asks the service until it has dealt with so many messages, in the order in which they came, and holds the last one of ours:
// others may send beside us. It gives up when nothing moves any more.
func (c *simulateCmd) stored(ctx context.Context, con *console, want uint64, last []byte) error {
	const patience, between = 30 * time.Second, 100 * time.Millisecond
	sent := time.Now()
	moved, known := sent, api.Stats{}
	ours, err := c.decoded(ctx, last)
	if err != nil {
		return err
	}
	for {
		var s api.Stats
		if err := c.get(ctx, "/stats", nil, &s); err != nil {
			return err
		}
		enough := s.Received-s.InSpool >= want
		if enough {
			if there, err := c.holds(ctx, ours); err != nil {
				return err
			} else if there {
				fmt.Fprintln(con.err, "all of it is stored")
				return nil
			}
		}
		behind := s.SpoolAgeSeconds > time.Since(sent).Seconds() // what came before our end still waits
		switch {
		case behind || !enough && (s.Received != known.Received || s.InSpool != known.InSpool):
			moved, known = time.Now(), s
		case enough && time.Since(moved) > patience:
			return fmt.Errorf("the last message never came: %s has dealt with what it received, others sent the rest; udp loses what comes too fast", c.URL)
		case time.Since(moved) > patience:
			return fmt.Errorf("nothing moves any more: %s has received %d of %d messages, %d are in its spool; its log and %[1]s/readyz say why",
				c.URL, s.Received, want, s.InSpool)
		}
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decoded is what the service makes of a message; nil if that is no event, which it could show.
func (c *simulateCmd) decoded(ctx context.Context, line []byte) (*api.Event, error) {
	if len(line) == 0 { // nothing was sent
		return nil, nil
	}
	var answer api.Rows[api.Decoded]
	if err := c.call(ctx, http.MethodPost, "/decode", nil, string(line), &answer); err != nil {
		return nil, err
	}
	if len(answer.Items) != 1 || answer.Items[0].Status != "event" {
		return nil, nil
	}
	return answer.Items[0].Event, nil
}

// holds says whether the service has stored the event.
func (c *simulateCmd) holds(ctx context.Context, e *api.Event) (bool, error) {
	if e == nil {
		return true, nil
	}
	q := url.Values{
		"from": {e.Time.Format(time.RFC3339Nano)}, "to": {e.Time.Add(time.Millisecond).Format(time.RFC3339Nano)},
		"cluster": {e.Cluster}, "node": {e.Node}, "limit": {"1000"},
	}
	if e.Device != "" {
		q.Set("device", e.Device)
	}
	var answer api.List[api.Event]
	err := c.get(ctx, "/events", q, &answer)
	return slices.ContainsFunc(answer.Items, func(x api.Event) bool { return x.ID == e.ID }), err
}

// line writes messages, one by one.
type lineWriter struct {
	*bufio.Writer
	to        string
	closer    io.Closer
	datagrams bool
}

func (c *simulateCmd) dial(ctx context.Context, con *console) (*lineWriter, error) {
	if c.To == "-" {
		return &lineWriter{Writer: bufio.NewWriter(con.out)}, nil
	}
	u, err := url.Parse(c.To)
	if err != nil || (u.Scheme != "udp" && u.Scheme != "tcp") || u.Host == "" {
		return nil, usageError{fmt.Errorf("--to %q: write it as udp://127.0.0.1:5514, tcp://127.0.0.1:5514 or -", c.To)}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, u.Scheme, u.Host)
	if err != nil {
		return nil, nobodyTakes(c.To, rootCause(err))
	}
	if u.Scheme == "udp" && c.Rate == 0 {
		c.Rate = 20_000
	}
	return &lineWriter{Writer: bufio.NewWriterSize(conn, 64<<10), to: c.To, closer: conn, datagrams: u.Scheme == "udp"}, nil
}

func nobodyTakes(to string, err error) error {
	return fmt.Errorf("nobody takes messages at %s (%w): is flapwatch serve running?", to, err)
}

func (w *lineWriter) send(line []byte) error {
	if _, err := w.Write(line); err != nil {
		return err
	}
	if w.datagrams {
		err := w.Flush()
		if errors.Is(err, syscall.ECONNREFUSED) { // that of a datagram before
			return nobodyTakes(w.to, syscall.ECONNREFUSED)
		}
		return err
	}
	return w.WriteByte('\n')
}

// Close sends what is left. A TCP receiver gets everything before the connection ends.
func (w *lineWriter) Close() error {
	err := w.Flush()
	if w.closer != nil {
		if closed := w.closer.Close(); err == nil {
			err = closed
		}
	}
	return err
}

// pacer holds messages back until it is their turn.
type pacer struct {
	realtime bool
	rate     float64
	began    time.Time
	sent     int
}

func (p *pacer) wait(ctx context.Context, at time.Time) error {
	due := p.began
	switch {
	case p.realtime:
		due = at
	case p.rate > 0:
		due = p.began.Add(time.Duration(float64(p.sent) / p.rate * float64(time.Second)))
	}
	p.sent++
	if d := time.Until(due); d > time.Millisecond {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// progress is a bar on a terminal, and nothing elsewhere.
func progress(w io.Writer, wanted bool, what string) *progressbar.ProgressBar {
	if f, ok := w.(*os.File); ok && wanted && term.IsTerminal(int(f.Fd())) {
		return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
			progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	return progressbar.DefaultSilent(-1)
}
