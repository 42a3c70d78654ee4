package pattern

import "math"

// posterior is the probability of a pattern given the score of the best explanation of n events: the prior odds times
// e^(score−doubt), bounded below because a few events cannot speak against a pattern. doubt is the score at which positive
// and negative series of the corpus are equally frequent.
func posterior(score float64, n int, prior float64) float64 {
	const doubt, least = 3.3, -3.3
	evidence := 0.0
	if n >= LeastEvents {
		evidence = max(least, score-doubt)
	}
	return 1 / (1 + math.Exp(-evidence-math.Log(prior/(1-prior))))
}
