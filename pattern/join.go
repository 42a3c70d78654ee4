package pattern

import "math"

// edge is a possible link of a chain.
type edge struct {
	from, way int32   // the event before, and how it is left: a position in f.steps
	gain      float64 // ln of the likelihood ratio; after weigh the ratio
}

const (
	// mostEdges of an alignment, in memory 64 MB: with more the model joins everything with everything.
	mostEdges = 4 << 20
	// faint is the gain, in nats, below which a link says nothing.
	faint = -15.0
)

// way is a step with what join needs to weigh the links that take it.
type way struct {
	step
	half   float64 // s: a link may be so much longer or shorter
	weight float64 // of the square of that
	near   float64 // gain of a link of the right length in a series whose density is 1
	far    float64 // the same at the density that the null hypothesis has at this distance
	low    int     // first event that is not too early
}

// ways fills room with the steps of f.
func (f *Finder) ways(m model, room *[maxSteps]way) []way {
	list := room[:len(f.steps)]
	for k, s := range f.steps {
		near := s.chance - ln(s.sd*math.Sqrt(2*math.Pi))
		list[k] = way{
			step: s, half: leeway(s.sd, m.period), weight: 0.5 / (s.sd * s.sd),
			near: near, far: near - f.logRho[k],
		}
	}
	return list
}

// join collects in f.edges all links that m could make, by the event that they lead to: those to event j are
// f.edges[f.first[j]:f.first[j+1]]. It gives up at mostEdges.
func (f *Finder) join(m model) bool {
	t := f.t
	f.steps = m.steps(f.steps)
	f.density(m)
	var room [maxSteps]way
	ways := f.ways(m, &room)
	f.skipped, f.first, f.edges = resize(f.skipped, len(t)), append(f.first[:0], 0), f.edges[:0]
	other := math.Log1p(-m.share)
	for j := range t {
		// what lies between i and j, others and silence, adds skipped[j] − skipped[i] to the gain of a link
		skipped := m.share*f.clock[j] + float64(j)*other
		f.skipped[j] = skipped
		due, late, able := t[j], 0.0, ways
		if m.clock {
			due = m.phase + m.cycle(t[j])*m.period
			if late = t[j] - due; math.Abs(late) > ways[0].half {
				able = nil
			}
		}
		for k := range able {
			w := &able[k]
			middle := due - w.distance
			i, start, end := w.low, middle-w.half, middle+w.half
			for t[i] < start {
				i++
			}
			w.low = i
			if i >= j || t[i] > end {
				continue
			}
			plain, weight := min(w.far, w.near-f.logLocal[j])+skipped-other, w.weight
			tardy := 0.0
			if m.clock {
				tardy, weight = late*late*weight, 0
			}
			for ; i < j && t[i] <= end; i++ {
				gain := plain - f.skipped[i]
				if i == j-1 {
					gain = min(gain, w.near-f.gap(m, k)-(1-m.share)*(f.clock[j]-f.clock[i]))
				}
				d := t[i] - middle
				if gain -= d*d*weight + tardy; gain > faint {
					f.edges = append(f.edges, edge{int32(i), int32(k), gain})
				}
			}
		}
		if len(f.edges) >= mostEdges {
			return false
		}
		f.first = append(f.first, int32(len(f.edges)))
	}
	return true
}
