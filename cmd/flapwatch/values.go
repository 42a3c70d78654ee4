package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// version is set by the build.
var version = "development"

// network is a network of addresses: 10.0.0.0/8, or a single address.
type network struct{ netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *network) UnmarshalText(b []byte) (err error) {
	if a, single := netip.ParseAddr(string(b)); single == nil {
		n.Prefix = netip.PrefixFrom(a.WithZone(""), a.BitLen())
		return nil
	}
	if n.Prefix, err = netip.ParsePrefix(string(b)); err != nil {
		return fmt.Errorf("%q is no network; write it as 10.0.0.0/8 or 10.1.2.3", b)
	}
	return nil
}

// prefixes are the networks as the rooms take them.
func prefixes(list []network) (out []netip.Prefix) {
	for _, n := range list {
		out = append(out, n.Prefix)
	}
	return out
}

// days is a length of time that may be written in days: 400d, 36h.
type days time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *days) UnmarshalText(b []byte) error {
	text := string(b)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		v, err := strconv.ParseUint(n, 10, 16)
		if err != nil || v == 0 {
			return fmt.Errorf("write it as 400d or 36h")
		}
		*d = days(time.Duration(v) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("write it as 400d or 36h")
	}
	*d = days(v)
	return nil
}

// String writes it as it is read.
func (d days) String() string {
	const day = 24 * time.Hour
	if t := time.Duration(d); t%day != 0 {
		return t.String()
	}
	return fmt.Sprintf("%dd", time.Duration(d)/day)
}

// address is where a service answers, without a slash at its end.
type address string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *address) UnmarshalText(b []byte) error {
	u, err := url.Parse(string(b))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no address; write it as http://127.0.0.1:8080", b)
	}
	*a = address(strings.TrimRight(string(b), "/"))
	return nil
}

// level is how much is logged.
type level slog.Level

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *level) UnmarshalText(b []byte) error {
	if (*slog.Level)(l).UnmarshalText(b) != nil {
		return fmt.Errorf("%q is no level; write debug, info, warn or error", b)
	}
	return nil
}

// String writes it as it is read.
func (l level) String() string { return strings.ToLower(slog.Level(l).String()) }

// size is how many bytes the spool may take: 8GiB, 512MiB, 10000000.
type size int64

// leastSize lets the spool take any group of messages that the receivers hand it, two of them at once.
const leastSize = 1 << 20

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(b []byte) error {
	for _, u := range sizeUnits {
		if n, ok := strings.CutSuffix(string(b), u.name); ok {
			v, err := strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			if err != nil || v <= 0 || v > (1<<62)/u.bytes {
				return fmt.Errorf("write it as 8GiB or 512MiB")
			}
			if *s = size(v * u.bytes); *s < leastSize {
				return fmt.Errorf("that holds no more than some messages; write 1MiB or more, 8GiB is usual")
			}
			return nil
		}
	}
	return nil
}

// String writes it as it is read.
func (s size) String() string {
	for _, u := range sizeUnits {
		if int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return ""
}
