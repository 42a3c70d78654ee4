package pattern

import "math"

// bimodalPrice is what a second length of gap costs, in nats: the place of its peak, and the share.
const bimodalPrice = 5.0

// bimodal tries two lengths of gap in one chain in place of c: a timer that gives up after n or n+1 tries. The lengths are
// two candidates; the period of c is one of them, between them, or their sum.
func (f *Finder) bimodal(c chain, worth float64) (chain, float64) {
	const most = 3
	tried := 0
	for _, a := range f.found {
		for _, b := range f.found {
			short, long := math.Exp(a.u), math.Exp(b.u)
			if long < 1.03*short || long > 1.4*short || tried == most {
				continue
			}
			if p := c.next.period; (p < 0.98*short || p > 1.02*long) && math.Abs(p-short-long) > 0.02*p {
				continue
			}
			tried++
			sigma := min(max(c.sigma, a.width/1.5, 0.002), (long-short)/short/4)
			m := model{period: short, longer: long - short, long: 0.5, sigma: sigma, skip: 0.1, share: max(c.share, 0.5)}
			if two, v := f.iterate(m, worth); v-bimodalPrice > worth && two.next.longer > 4*two.next.sigma*two.next.period {
				c, worth = two, v-bimodalPrice
			}
		}
	}
	return c, worth
}
