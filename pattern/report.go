package pattern

import "math"

// report turns an explanation into a finding.
func (f *Finder) report(e explanation, in Input) Finding {
	s := e.z + offset
	g := Finding{
		Kind: e.kind, Period: e.period, PeriodLow: e.period - 1.96*e.se, PeriodHigh: e.period + 1.96*e.se,
		Jitter: e.sd, Score: s, PValue: max(1e-300, math.Min(1, math.Exp(-s))), Posterior: posterior(s, in.Prior),
		Events: len(e.links), PerCycle: e.per,
	}
	if g.Events < 12 {
		g.Kind = Unknown
	}
	ms := func(l link) int64 { return f.ms[f.at[l.event]] }
	for i, l := range e.links {
		g.Members = append(g.Members, int(f.at[l.event]))
		if l.jump == 0 || len(g.Segments) == 0 {
			g.Segments = append(g.Segments, [2]int64{ms(l), ms(l)})
			g.CyclesExpected++
			g.CyclesSeen++
			continue
		}
		g.Segments[len(g.Segments)-1][1] = ms(l)
		g.CyclesExpected += int(l.jump)
		g.CyclesSeen++
		_ = i
	}
	g.Missed = g.CyclesExpected - g.CyclesSeen
	g.First, g.Last = ms(e.links[0]), ms(e.links[len(e.links)-1])
	g.Extra = int(e.links[len(e.links)-1].event-e.links[0].event) + 1 - len(e.links)
	end := f.ms[len(f.ms)-1]
	if !in.Window.To.IsZero() {
		end = max(end, in.Window.To.UnixMilli())
	}
	k := 1.0
	if e.period > 0 {
		k = max(1, math.Floor((float64(end-g.Last)/1000-3*e.sd)/e.period)+1)
	}
	g.NextExpected = g.Last + int64(k*e.period*1000)
	g.NextSD = e.sd * math.Sqrt(k)
	if e.kind == Clock {
		g.NextSD = e.sd
	}
	return g
}
