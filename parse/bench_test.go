package parse

import (
	"strings"
	"syscall"
	"testing"
	"time"

	syslog "github.com/influxdata/go-syslog/v3"
	"github.com/influxdata/go-syslog/v3/rfc3164"
	"github.com/influxdata/go-syslog/v3/rfc5424"

	"flapwatch/event"
)

const seedBody = "%UC_CALLMANAGER-3-EndPointUnregistered: " +
	"%[DeviceName=SEPE0D1730A8137][IPAddress=10.60.98.210][Protocol=SIP][DeviceType=592][Description=Phone][Reason=13]" +
	"[IPAddrAttributes=0][LastSignalReceived=SIPStationDPrimaryLineTimeout][AppID=Cisco CallManager]" +
	"[ClusterID=StandAloneCluster][NodeID=uc-ucm-01]: An endpoint has unregistered"

const seedLine = "<187>41679: uc-ucm-01.pcce.local: Jul 02 2015 06:22:31.123 UTC :  " + seedBody

// floodLine and cjkLine are seedLine with descriptions of more than words in ASCII.
var (
	floodLine = strings.Replace(seedLine, "=Phone]", "=Halle 4 [Tor 12]: Süd]", 1)
	cjkLine   = strings.Replace(seedLine, "=Phone]", "=東京本社 3階 会議室]", 1)
)

// run times f over lines, and adds the CPU time of the process, which other work on the machine does not touch.
func run(b *testing.B, lines []string, f func(line string)) {
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	i, before := 0, cpu()
	for b.Loop() {
		f(lines[i])
		if i++; i == len(lines) {
			i = 0
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkParse(b *testing.B) {
	p := New(knownKeys(b))
	var e event.Event
	parse := func(line string) { _, _ = p.Parse(line, Context{Received: received}, &e) }
	mixed := make([]string, 0, 64)
	for _, s := range samples(b, "testdata/derived.jsonl") {
		mixed = append(mixed, s.Raw)
	}
	b.Run("seed", func(b *testing.B) { run(b, []string{seedLine}, parse) })
	b.Run("brackets", func(b *testing.B) { run(b, []string{floodLine}, parse) })
	b.Run("cjk", func(b *testing.B) { run(b, []string{cjkLine}, parse) })
	b.Run("agent", func(b *testing.B) { run(b, []string{strings.Replace(seedLine, "<187>", "<187>10499: : : ", 1)}, parse) })
	b.Run("file", func(b *testing.B) {
		run(b, []string{"Jul  2 08:22:31 uc-ucm-01 local7 3 ccm: " + seedLine[len("<187>"):]}, parse)
	})
	b.Run("relay", func(b *testing.B) {
		run(b, []string{"<187>Jul  2 08:22:31 10.60.1.12 " + seedLine[len("<187>"):]}, parse)
	})
	b.Run("noise", func(b *testing.B) {
		run(b, []string{"<14>1362992: : audispd:node=cucm01 type=PROCTITLE msg=audit(1630319311.975:2557529): proctitle=2F7573722F6C69622F73797374656D642F73797374656D64002D2D7377697463686564"}, parse)
	})
	b.Run("mixed", func(b *testing.B) { run(b, mixed, parse) })
}

// The same with go-syslog on lines that it understands: the seed's body behind a relay's header, without fields taken out.
func BenchmarkPeers(b *testing.B) {
	peer := func(name string, machine syslog.Machine, line string) {
		b.Run(name, func(b *testing.B) {
			input := []byte(line)
			run(b, []string{line}, func(string) {
				if m, err := machine.Parse(input); err != nil || m == nil {
					b.Fatal(err)
				}
			})
		})
	}
	peer("rfc3164", rfc3164.NewMachine(), "<187>Jul  2 08:22:31 uc-ucm-01 ccm: "+seedBody)
	peer("rfc5424", rfc5424.NewMachine(), "<187>1 2015-07-02T06:22:31.500Z uc-ucm-01 ccm - - - "+seedBody)
	b.Run("scan", func(b *testing.B) {
		run(b, []string{seedLine}, func(line string) {
			if strings.IndexByte(line, '\n') >= 0 {
				b.Fatal("newline")
			}
		})
	})
}

// BenchmarkRecords cuts a syslog file.
func BenchmarkRecords(b *testing.B) {
	file := strings.Repeat("Jul  2 08:22:31 uc-ucm-01 local7 3 ccm: "+strings.TrimPrefix(seedLine, "<187>")+"\n", 20_000)
	run(b, []string{file}, func(file string) {
		n := 0
		for r := NewRecords(strings.NewReader(file), 64<<10); r.Next(); n++ {
		}
		if n != 20_000 {
			b.Fatal(n)
		}
	})
}
