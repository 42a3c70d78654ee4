package pattern

import "math"

// regularity describes gaps as even as a series without a pattern may have them: a dead time and exponential waiting after
// it, or gamma gaps. Such a series is regular, not periodic, and its gaps must not count as evidence.
type regularity struct {
	mean  float64 // s
	dead  float64 // s
	shape float64 // of the gamma distribution
	scale float64 // ln of its normalising constant
}

const (
	mostDead  = 0.55 // of the mean gap: CV 0.45
	mostShape = 4.0  // CV 0.5
	shortest  = 0.05 // share of the gaps that may be shorter than the dead time: repeats
)

// evenness estimates regularity from sorted gaps: the dead time is no longer than the gaps allow, the shape is the
// approximate maximum of the likelihood (Minka 2002).
func evenness(gaps []float64) regularity {
	n := float64(len(gaps))
	r := regularity{}
	logs := 0.0
	for _, g := range gaps {
		r.mean += g / n
		logs += math.Log(g) / n
	}
	r.dead = min(mostDead*r.mean, gaps[int(shortest*n)])
	s := max(math.Log(r.mean)-logs, 1e-6)
	r.shape = min(max((3-s+math.Sqrt(square(s-3)+24*s))/(12*s), 1), mostShape)
	r.scale = r.shape*math.Log(r.shape/r.mean) - lnGamma(r.shape)
	return r
}

// farBelow is the logarithm of a density that no longer matters: the mean rate counts in its place.
const farBelow = -600

// density is the larger of the two densities of gaps, per second, at d > 0.
func (r regularity) density(d float64) float64 {
	rho := exp(max(r.scale+(r.shape-1)*ln(d)-r.shape*d/r.mean, farBelow))
	if d > r.dead {
		rho = max(rho, exp(max(-(d-r.dead)/(r.mean-r.dead), farBelow))/(r.mean-r.dead))
	}
	return rho
}
