package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"flapwatch/reasons"
)

// alarm asks whether the cause shows in this kind of alarm at all, and counts more the fewer causes do.
func (f *facts) alarm(p *reasons.PeriodicCause) factor {
	if f.Alarm == "" || len(p.Alarms) == 0 {
		return nothing
	}
	if !showsIn(p, f.Alarm) {
		return factor{0.02, "alarm", f.say("it shows as %s, not as %s", either(p.Alarms), f.Alarm)}
	}
	if f.showing > 0.5 {
		return nothing
	}
	return factor{min(ample, 1/f.showing), "alarm", "it shows as " + f.Alarm}
}

// showing is the share of causes that show in the alarm.
func showing(causes []reasons.PeriodicCause, alarm string) float64 {
	n := 0
	for i := range causes {
		if showsIn(&causes[i], alarm) {
			n++
		}
	}
	return float64(n) / float64(len(causes))
}

// showsIn compares alarms without the family: endpoints and other devices have twins.
func showsIn(p *reasons.PeriodicCause, alarm string) bool {
	return slices.ContainsFunc(p.Alarms, func(a string) bool { return family(a) == family(alarm) })
}

func family(alarm string) string {
	return strings.TrimPrefix(strings.TrimPrefix(alarm, "EndPoint"), "Device")
}

// either are written with "or" between them.
type either []string

func (e either) String() string { return strings.Join(e, " or ") }

// unlisted is the share of alarms with a reason that is not in a cause's list, for each such reason.
const unlisted = 0.005

// typicalShare is how often reason comes with the cause: the first in the list counts twice.
func typicalShare(p *reasons.PeriodicCause, reason uint32) float64 {
	i := slices.Index(p.Reasons, reason)
	parts := float64(len(p.Reasons) + 1)
	switch i {
	case -1:
		return unlisted
	case 0:
		return 0.9 * 2 / parts
	}
	return 0.9 / parts
}

// reasonRates is how often each reason comes with an arbitrary cause that shows in the alarm; an empty alarm is any.
func reasonRates(causes []reasons.PeriodicCause, alarm string) map[uint32]float64 {
	rates, n := map[uint32]float64{}, 0.0
	for i := range causes {
		p := &causes[i]
		if len(p.Reasons) == 0 || alarm != "" && !showsIn(p, alarm) {
			continue
		}
		n++
		for _, r := range p.Reasons {
			rates[r] += typicalShare(p, r)
		}
	}
	for r := range rates {
		rates[r] /= n
	}
	return rates
}

// reason counts more the fewer causes share it.
func (f *facts) reason(p *reasons.PeriodicCause) factor {
	if f.Reason == nil || len(p.Reasons) == 0 {
		return nothing
	}
	share, rate := typicalShare(p, *f.Reason), f.expected[*f.Reason]
	w := min(ample, share/max(rate, unlisted))
	switch {
	case share == unlisted:
		return factor{min(w, 0.1), "reason", f.say("%s is not among its reasons (%s)", f.reasonText(), codes(p.Reasons))}
	case w > 1:
		return factor{w, "reason", f.say("%s is typical of it", f.reasonText())}
	}
	return factor{w, "reason", f.say("%s happens with it, and more often with other causes", f.reasonText())}
}

func (f *facts) reasonText() string {
	if f.answer.Reason != nil {
		return f.say("reason %d (%s)", *f.Reason, f.answer.Reason.Name)
	}
	return f.say("reason %d", *f.Reason)
}

// codes are written with commas between them.
type codes []uint32

func (c codes) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]uint32(c)), " ", ", "), "[]")
}

// signal: a cause whose description names it; else what the signal says about who was silent.
func (f *facts) signal(p *reasons.PeriodicCause) factor {
	if f.Signal == "" || len(p.Reasons) == 0 {
		return nothing
	}
	if strings.Contains(p.Evidence, f.Signal) {
		return factor{4, "signal", f.say("the last signal was %s, which goes with this cause", f.Signal)}
	}
	last, usual := f.signalKind(), usualSignal[p.Reasons[0]]
	switch {
	case usual == "" || last != silence && last != spoke && last != closed:
		return nothing
	case last == usual:
		return factor{1.2, "signal", f.say("the last signal was %s (%s), as usual with reason %d", f.Signal, last, p.Reasons[0])}
	}
	return factor{0.5, "signal", f.say("the last signal was %s (%s); with reason %d a %s would be usual", f.Signal, last, p.Reasons[0], usual)}
}

// Kinds of signals in the catalogue that say who was silent.
const (
	silence = "timer"
	spoke   = "message from device"
	closed  = "transport event"
)

// signalKind of the catalogue, from the signal itself or from its name.
func (f *facts) signalKind() string {
	switch {
	case f.answer.Signal != nil:
		return f.answer.Signal.Kind
	case f.answer.Class != nil:
		return f.answer.Class.Kind
	}
	return ""
}

// usualSignal is the kind of signal that comes last with a reason of EndPointUnregistered (catalogue, causes by
// combination): a timer, a closed connection, or a sign-off by the device itself.
var usualSignal = map[uint32]string{
	6: closed, 13: silence,
	8: spoke, 9: spoke, 10: spoke, 15: spoke, 17: spoke, 19: spoke, 20: spoke, 21: spoke, 23: spoke, 24: spoke, 28: spoke,
}
