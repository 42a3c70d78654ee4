package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
)

// heads of the table: those that people know from the logs, and what they miss there.
var heads = []string{
	"count", "device", "model", "ip", "description", "reason", "node", "last_signal", "first", "last", "median_gap_seconds",
	"planned", "week_before", "period_seconds", "state", "availability", "cause", "cause_title", "check", "cluster",
}

// CSV writes one line a device that dropped, most drops first (RFC 4180). Times are RFC 3339 in the zone of the report.
func CSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	zone := r.zone()
	if err := out.Write(heads); err != nil {
		return err
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		row := []string{
			strconv.Itoa(d.Unregistrations), d.Device, d.Model, d.IP, d.Description, d.Reason.String(), d.Node, d.Signal,
			rfc3339(d.First, zone), rfc3339(d.Last, zone), decimal(d.MedianGap), strconv.Itoa(d.Planned), whole(d.Before),
			decimal(d.Period), d.State, decimal(d.Availability), d.Cause, d.CauseTitle, d.Check, d.Cluster,
		}
		for j := range row {
			row[j] = cell(row[j])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// runs are the characters with which a spreadsheet begins to compute (OWASP, CSV Injection), the wide ones of East Asia included.
const runs = "=+-@\t\r＝＋－＠"

// cell makes a value one that spreadsheets show and do not run: an apostrophe before what they would compute.
func cell(s string) string {
	defuse := s != "" && strings.ContainsRune(runs, []rune(s)[0])
	s = strings.ReplaceAll(Plain(s), "\n", " ")
	if defuse {
		return "'" + s
	}
	return s
}

func rfc3339(m Moment, zone *time.Location) string {
	if m == 0 {
		return ""
	}
	return m.In(zone).Format(time.RFC3339)
}

func decimal(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func whole(v *int) string {
	if v == nil {
		return ""
	}
	return strconv.Itoa(*v)
}

// zone of the report; UTC where this machine does not know it.
func (r *Report) zone() *time.Location {
	if zone, err := time.LoadLocation(r.Zone); err == nil {
		return zone
	}
	return time.UTC
}
