package pattern

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"flapwatch/event"
)

// LongestLine is the most bytes that Lines takes for one series.
const LongestLine = 64 << 20

// LineOptions are what is common to all lines. The zero value is usable.
type LineOptions struct {
	Prior   float64 // zero: 0.5
	Workers int     // zero: one a processor
}

// series is what Lines reads of a line. Other keys are ignored.
type series struct {
	ID     json.RawMessage `json:"id"`
	Times  moments         `json:"times"`
	Window moments         `json:"window"`
	ResMS  float64         `json:"res_ms"`
}

// moments are Unix milliseconds. Fractions of one, as a program with floating-point times writes them, are rounded.
type moments []int64

func (m *moments) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if b[0] != '[' {
		return fmt.Errorf("a list of Unix milliseconds is wanted, not %s", excerpt(b))
	}
	b = bytes.TrimSpace(b[1 : len(b)-1])
	*m = make(moments, 0, bytes.Count(b, []byte{','})+1)
	for more := len(b) > 0; more; {
		var one []byte
		one, b, more = bytes.Cut(b, []byte{','})
		one = bytes.TrimSpace(one)
		ms, err := strconv.ParseInt(string(one), 10, 64)
		if err != nil {
			x, err := strconv.ParseFloat(string(one), 64)
			if err != nil || math.Abs(x) > farthest {
				return fmt.Errorf("a time is a number of Unix milliseconds, not %s", excerpt(one))
			}
			ms = int64(math.Round(x))
		}
		*m = append(*m, ms)
	}
	return nil
}

// excerpt is the beginning of b.
func excerpt(b []byte) string {
	const most = 40
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return string(b)
}

// answer is what Lines writes for it.
type answer struct {
	ID        json.RawMessage `json:"id"` // null where the line has none
	Posterior float64         `json:"posterior"`
	Patterns  []found         `json:"patterns"`
}

// found is a Finding as Lines writes it.
type found struct {
	Kind         Kind       `json:"kind"`
	Period       float64    `json:"period_seconds"`
	PeriodLow    float64    `json:"period_low_seconds"`
	PeriodHigh   float64    `json:"period_high_seconds"`
	Jitter       float64    `json:"jitter_seconds"`
	PValue       float64    `json:"p_value"`
	Posterior    float64    `json:"posterior"`
	Events       int        `json:"events"`
	Missed       int        `json:"missed"`
	First        stamp      `json:"first"`
	Last         stamp      `json:"last"`
	NextExpected stamp      `json:"next_expected"`
	NextSD       float64    `json:"next_sd_seconds"`
	Segments     [][2]stamp `json:"segments"`
}

// refusal is what Lines writes for a line that cannot be read.
type refusal struct {
	ID    json.RawMessage `json:"id"`
	Error string          `json:"error"`
}

// stamp is Unix milliseconds, written in RFC 3339 UTC.
type stamp int64

func (s stamp) MarshalText() ([]byte, error) {
	return time.UnixMilli(int64(s)).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// Lines reads one series a line from r, {"id":…,"times":[unix ms],"window":[ms,ms],"res_ms":1000} with the last two optional,
// and writes one answer a line to w in the same order. A line that cannot be read is answered with its id, where it has
// one, and an error that names the line; the others are answered all the same, and the error returned at the end says
// how many there were. Empty lines are skipped. Memory is bounded by 3·Workers lines. Cancelling takes effect when r returns.
func Lines(ctx context.Context, r io.Reader, w io.Writer, o LineOptions) error {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	group, ctx := errgroup.WithContext(ctx)
	jobs, order := make(chan *job), make(chan *job, 2*o.Workers)
	group.Go(func() error {
		defer close(order)
		defer close(jobs)
		return readJobs(ctx, r, jobs, order)
	})
	for range o.Workers {
		group.Go(func() error {
			f := NewFinder()
			for j := range jobs {
				j.answer(f, o.Prior)
				close(j.done)
			}
			return nil
		})
	}
	bad := 0
	group.Go(func() (err error) {
		bad, err = writeAnswers(w, order)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("lines that could not be read: %d", bad)
	}
	return nil
}

// job is one line on its way.
type job struct {
	number int
	line   []byte
	long   bool // the line was longer than LongestLine and is cut
	out    []byte
	bad    bool
	done   chan struct{}
}

// readJobs hands every line to the workers and, in order, to the writer.
func readJobs(ctx context.Context, r io.Reader, jobs, order chan<- *job) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		line, long, err := readLine(lines)
		if err != nil && err != io.EOF {
			return fmt.Errorf("reading line %d: %w", number, err)
		}
		if len(line) > 0 {
			j := &job{number: number, line: line, long: long, done: make(chan struct{})}
			for _, to := range []chan<- *job{order, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					close(j.done)
					return ctx.Err()
				}
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readLine gives the next line without white space around it. Of a line longer than LongestLine it keeps the start.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		room := max(0, LongestLine-len(line))
		long = long || len(part) > room
		line = append(line, part[:min(len(part), room)]...)
		if err != bufio.ErrBufferFull {
			return bytes.TrimSpace(line), long, err
		}
	}
}

// writeAnswers writes the answers in the order of the lines and counts the lines that could not be read.
func writeAnswers(w io.Writer, order <-chan *job) (bad int, err error) {
	out := bufio.NewWriter(w)
	for j := range order {
		<-j.done
		if j.bad {
			bad++
		}
		_, err := out.Write(j.out)
		if err == nil && len(order) == 0 {
			err = out.Flush()
		}
		if err != nil {
			return bad, fmt.Errorf("writing the answer to line %d: %w", j.number, err)
		}
	}
	return bad, out.Flush()
}

// answer fills j.out.
func (j *job) answer(f *Finder, prior float64) {
	s, in, err := j.read()
	if err != nil {
		j.bad = true
		j.out = encode(refusal{s.ID, fmt.Sprintf("line %d: %v", j.number, err)})
		return
	}
	in.Prior = prior
	r := f.Find(in)
	a := answer{ID: s.ID, Posterior: r.Posterior, Patterns: []found{}}
	for _, g := range r.Findings {
		a.Patterns = append(a.Patterns, asFound(g))
	}
	j.out = encode(a)
}

// read takes the line apart.
func (j *job) read() (s series, in Input, err error) {
	if j.long {
		return s, in, fmt.Errorf("longer than %d bytes", LongestLine)
	}
	if err := json.Unmarshal(j.line, &s); err != nil {
		return s, in, plain(err)
	}
	in.Times = s.Times
	switch {
	case s.Times == nil:
		return s, in, errors.New(`no "times"`)
	case !(s.ResMS >= 0 && s.ResMS < 1e9):
		return s, in, fmt.Errorf(`"res_ms" is %v`, s.ResMS)
	case s.Window != nil && len(s.Window) != 2:
		return s, in, fmt.Errorf(`"window" holds %d times; it takes where it starts and where it ends`, len(s.Window))
	case s.Window != nil && s.Window[0] > s.Window[1]:
		return s, in, errors.New(`"window" ends before it starts`)
	}
	in.Resolution = time.Duration(s.ResMS * 1e6)
	if s.Window != nil {
		in.Window = event.Window{From: time.UnixMilli(s.Window[0]), To: time.UnixMilli(s.Window[1])}
	}
	return s, in, nil
}

// plain says what is wrong in the words of JSON.
func plain(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &kind):
		return err
	case kind.Field == "":
		return fmt.Errorf("an object is wanted, not %s", kind.Value)
	}
	return fmt.Errorf("%q is a number, not %s", kind.Field, kind.Value)
}

// encode gives v as one line of JSON. The types it is called with cannot fail: Find promises finite numbers.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("pattern: " + err.Error())
	}
	return b.Bytes()
}

func asFound(g Finding) found {
	return found{
		Kind: g.Kind, Period: g.Period, PeriodLow: g.PeriodLow, PeriodHigh: g.PeriodHigh, Jitter: g.Jitter,
		PValue: g.PValue, Posterior: g.Posterior, Events: g.Events, Missed: g.Missed,
		First: stamp(g.First), Last: stamp(g.Last), NextExpected: stamp(g.NextExpected), NextSD: g.NextSD, Segments: stamps(g.Segments),
	}
}

func stamps(segments [][2]int64) [][2]stamp {
	out := make([][2]stamp, len(segments))
	for i, s := range segments {
		out[i] = [2]stamp{stamp(s[0]), stamp(s[1])}
	}
	return out
}
