package pattern

import (
	"math"
	"time"
)

// Finder keeps the scratch memory of Find from one series to the next. It is not safe for concurrent use; the function Find is.
type Finder struct {
	ms  []int64   // the input, sorted
	res float64   // resolution of the times, s
	at  []int32   // events that are still to be explained: positions in ms
	t   []float64 // the same in seconds after the first time

	unsorted []float64 // distances, for candidates
	u        []float64 // ln of the same, sorted
	ground   []float64 // how many surround each
	found    []candidate

	ln    []float64 // ln of 0, 1, 2, …
	lags  lags
	gaps  []float64 // between neighbours, sorted
	even  regularity
	order []rank
	clock []float64 // cumulated surprise of the silences
	daily []float64 // ln of the daily rhythm

	ready            model // what density last prepared
	logRho, logGap   [maxSteps]float64
	logLocal         []float64
	steps            []step    // of the model at hand
	skipped          []float64 // gain of a link by what it passes, cumulated
	edges            []edge
	first            []int32 // of the edges to an event
	expected         expectation
	score            []float64
	from, by         []int32
	arena            []link
	forward, reverse []float64
	liftF, liftR     []int32

	times     []float64
	clocks    []model
	folded    []float64
	fold      []int32
	local     []float64
	phases    []phase
	sorted    []phase
	bucket    []int32
	phaseOf   []int32
	cycleHits []int32
	taken     []bool
	company   []int32
}

// NewFinder gives a Finder with no memory yet.
func NewFinder() *Finder { return new(Finder) }

// Find looks for periods in one series. It is safe for concurrent use.
func Find(in Input) Result { return NewFinder().Find(in) }

// Find looks for periods in one series: the strongest first, then what its members leave over, as long as that is clear
// enough for its members to be believed.
func (f *Finder) Find(in Input) Result {
	in = in.withDefaults()
	f.prepare(in)
	r := Result{Posterior: posterior(0, len(f.t), in.Prior)}
	for len(f.t) >= LeastEvents && len(r.Findings) < in.Max {
		n := len(f.t)
		e := f.strongest(in.Location)
		if len(r.Findings) == 0 {
			r.Posterior = posterior(e.score, n, in.Prior)
		}
		if e.score < -math.Log(shownP) {
			break
		}
		r.Findings = append(r.Findings, f.report(e, in))
		if e.score < -math.Log(clearP) {
			break
		}
		f.remove(e)
	}
	return r
}

const (
	shownP = 0.05 // findings with a larger p-value are not shown
	clearP = 1e-3 // what is left over is searched only under a finding as clear as this
)

func (in Input) withDefaults() Input {
	if in.Max <= 0 {
		in.Max = 4
	}
	if in.Location == nil {
		in.Location = time.UTC
	}
	if !(in.Prior > 0 && in.Prior < 1) {
		in.Prior = 0.5
	}
	return in
}

// remove takes the members of e out of the series.
func (f *Finder) remove(e explanation) {
	kept := 0
	for i := range f.t {
		if !e.has(int32(i)) {
			f.t[kept], f.at[kept] = f.t[i], f.at[i]
			kept++
		}
	}
	f.t, f.at = f.t[:kept], f.at[:kept]
}
