package diagnose

import (
	"slices"
	"strings"

	"flapwatch/reasons"
)

// impossible: the cause cannot be, unless what we know of the device is wrong.
const impossible = 1e-4

// protocol: a cause that needs another one is out.
func (f *facts) protocol(p *reasons.PeriodicCause) factor {
	switch {
	case f.Protocol == "" || len(p.Protocols) == 0:
		return nothing
	case slices.ContainsFunc(p.Protocols, func(s string) bool { return strings.EqualFold(s, f.Protocol) }):
		return factor{2, "protocol", f.say("the device speaks %s, as this cause needs", f.Protocol)}
	}
	return factor{impossible, "protocol", f.say("it needs %s, the device speaks %s", either(p.Protocols), f.Protocol)}
}

// otherKind of device than those a cause is known from. Any model may run in circles that is not configured, so a retry
// loop is only less likely.
func otherKind(p *reasons.PeriodicCause) float64 {
	if p.Class == retryLoop {
		return 0.3
	}
	return 0.05
}

const retryLoop = "retry loop"

// kind of device: by model number or by what the name tells. One of both is enough.
func (f *facts) kind(p *reasons.PeriodicCause) factor {
	if len(p.DeviceTypes) == 0 && len(p.Names) == 0 {
		return nothing
	}
	typeKnown := f.DeviceType != 0 && len(p.DeviceTypes) > 0
	nameKnown := f.answer.Kind != nil && len(p.Names) > 0
	switch {
	case typeKnown && slices.Contains(p.DeviceTypes, f.DeviceType):
		return factor{4, "device", f.say("it is typical of the %s", f.model())}
	case nameKnown && slices.Contains(p.Names, f.answer.Kind.Group):
		return factor{4, "device", f.say("%s is one of the devices it is known from (%s)", f.Device, f.answer.Kind.Kind)}
	case typeKnown:
		return factor{otherKind(p), "device", f.say("it is known from other models than the %s", f.model())}
	case nameKnown:
		return factor{otherKind(p), "device", f.say("%s is not the kind of device it is known from (%s)", f.Device, strings.Join(p.Names, ", "))}
	}
	return factor{0.5, "device", "it is known from certain kinds of devices only, and the kind of this one is not known"}
}

func (f *facts) model() string {
	if f.answer.Model != "" {
		return f.answer.Model
	}
	return f.say("model %d", f.DeviceType)
}
