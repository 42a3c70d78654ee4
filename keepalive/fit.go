package keepalive

import "math"

// Band is the registered times that one number of survived refreshes can give. Between two bands
// lie times that this mechanism cannot produce.
type Band struct {
	Survived       int     `json:"survived"`
	RetryLow       float64 `json:"retry_low_seconds"` // exclusive: here one more refresh survives
	RetryHigh      float64 `json:"retry_high_seconds"`
	RegisteredLow  float64 `json:"registered_low_seconds"`
	RegisteredHigh float64 `json:"registered_high_seconds"`
}

// shortestRetry ends the list of bands: no stack repeats a packet sooner.
const shortestRetry = 0.01

// Bands lists what the timers of s allow, by survived refreshes from 1 on, down to a first retry of
// 10 ms. s.FirstRetry is not looked at. There are none where s makes no sense.
func Bands(s SIP) []Band {
	if s.checkTimers().err() != nil {
		return nil
	}
	var bands []Band
	for n := 1; ; n++ {
		low, high := math.Ldexp(s.patience(), -n), math.Ldexp(s.patience(), 1-n)
		if high < shortestRetry {
			return bands
		}
		bands = append(bands, Band{n, low, high, s.registered(n, low), s.registered(n, high)})
	}
}

// Match is a first retry that explains a measured registered time.
type Match struct {
	Survived   int     `json:"survived"`
	FirstRetry float64 `json:"first_retry_seconds"`
	FatalWait  float64 `json:"fatal_wait_seconds"`
	Off        float64 `json:"off_seconds"` // how far the time lies outside the band, 0 inside
	Band       Band    `json:"band"`
}

// What a measured time may lie outside its band: clocks and the way of the alarm cost up to a
// second, and in real traces refreshes came up to 0.6 s after they were due (8851, 8841, 8845, 7821,
// 9971 with CUCM 10.5 and 11.5: 115.0 to 115.6 s).
const (
	clockSlack   = 1.0
	refreshSlack = 0.6
)

// Fit asks whether a phone that stays registered for so many seconds does so by the mechanism of
// SIP, with some first retry, and with which: 962.8 s and 720.5 s are the same illness, started at
// 0.21875 s and at 0.5 s. s.FirstRetry is not looked at. Where bands overlap (a delta that is large
// against the interval), the nearest counts, and of equals the one with fewer refreshes.
func Fit(registered float64, s SIP) (Match, bool) {
	var best Match
	found := false
	for _, b := range Bands(s) {
		m, ok := fitBand(registered, s, b)
		if ok && (!found || m.Off < best.Off) {
			best, found = m, true
		}
	}
	return best, found
}

// fitBand solves the closed form for the first retry, which is then kept inside the band.
func fitBand(registered float64, s SIP, b Band) (Match, bool) {
	off := math.Max(0, math.Max(b.RegisteredLow-registered, registered-b.RegisteredHigh))
	allowed := clockSlack
	if registered > b.RegisteredHigh {
		allowed += refreshSlack * float64(b.Survived+1)
	}
	if !(off <= allowed) { // NaN is not
		return Match{}, false
	}
	retry := (registered - s.registered(b.Survived, 0)) / (math.Ldexp(1, b.Survived) - 1)
	retry = math.Min(math.Max(retry, math.Nextafter(b.RetryLow, b.RetryHigh)), b.RetryHigh)
	return Match{
		Survived:   b.Survived,
		FirstRetry: retry,
		FatalWait:  math.Ldexp(retry, b.Survived),
		Off:        off,
		Band:       b,
	}, true
}
