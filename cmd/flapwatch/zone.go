package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// senderZone says in which time zone senders write times that name no zone: those of one network, or all of them.
// CUCM writes UTC; the prefixes of its files, sibling products and other relays use their local time.
type senderZone struct {
	network netip.Prefix // not valid: every sender, and every file
	zone    *time.Location
}

// UnmarshalText implements encoding.TextUnmarshaler: 10.1.0.0/16=Europe/Berlin, or Europe/Berlin alone.
func (z *senderZone) UnmarshalText(b []byte) (err error) {
	network, name, found := strings.Cut(string(b), "=")
	if !found {
		network, name = "", network
	} else if z.network, err = netip.ParsePrefix(network); err != nil {
		return fmt.Errorf("%q is no network; write it as 10.1.0.0/16=Europe/Berlin", network)
	}
	if z.zone, err = time.LoadLocation(name); err != nil || name == "" {
		return fmt.Errorf("there is no time zone %q; write it as Europe/Berlin or 10.1.0.0/16=Europe/Berlin", name)
	}
	return nil
}

// String writes it as it is read.
func (z senderZone) String() string {
	if z.network.IsValid() {
		return z.network.String() + "=" + z.zone.String()
	}
	return z.zone.String()
}

// zonesOf gives the zone of a sender: that of the smallest network that has it, otherwise the one for all, otherwise nil, which is
// UTC. It is nil where there is nothing to choose.
func zonesOf(list []senderZone) func(source string) *time.Location {
	if len(list) == 0 {
		return nil
	}
	return func(source string) (zone *time.Location) {
		address, err := netip.ParseAddr(source)
		bits := -2
		for _, z := range list {
			covers := !z.network.IsValid() || err == nil && z.network.Contains(address.Unmap())
			if b := z.network.Bits(); covers && b > bits { // -1 bits where no network is named
				bits, zone = b, z.zone
			}
		}
		return zone
	}
}
