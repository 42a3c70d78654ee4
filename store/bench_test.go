package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"flapwatch/event"
)

// fleet makes the alarms of a talkative fleet: phones that come and go on four nodes, 20 alarms a second.
type fleet struct {
	random *rand.Rand
	now    time.Time
	seq    [4]uint32
	phones int
	row    event.Row
	raw    []byte
}

func newFleet(phones int) *fleet {
	return &fleet{random: rand.New(rand.NewPCG(1, 2)), now: noon, phones: phones}
}

// next gives the next alarm. It is overwritten by the one after.
func (f *fleet) next() *event.Row {
	f.now = f.now.Add(time.Duration(f.random.ExpFloat64() * float64(50*time.Millisecond)))
	phone, node := f.random.IntN(f.phones), f.random.IntN(4)
	if f.random.IntN(10) > 0 {
		node = phone % 4
	}
	f.seq[node] += 1 + uint32(f.random.IntN(3))
	e := &f.row
	e.Reset()
	e.Time = f.now.Truncate(time.Millisecond)
	e.TimeSource = event.FromMessage
	e.Received = e.Time.Add(time.Duration(f.random.IntN(40)) * time.Millisecond)
	e.Source, e.Host, e.Node = f.names(node)
	e.PRI, e.HasPRI, e.Seq, e.HasSeq = 187, true, f.seq[node], true
	e.Facility, e.Severity, e.Cluster, e.AppID = "UC_CALLMANAGER", 3, "StandAloneCluster", "Cisco CallManager"
	e.DeviceType, e.HasDeviceType, e.Protocol = uint32(590+phone%5), true, "SIP"
	e.Event.Reason, e.HasReason = []uint32{13, 13, 13, 8, 9, 10, 12}[f.random.IntN(7)], true
	e.Signal, e.Alarm, e.Text = "SIPStationDPrimaryLineTimeout", "EndPointUnregistered", "An endpoint has unregistered"
	e.Names = event.Names{Role: event.Down, Reason: "KeepAliveTimeout", Cause: "keepalive-lost", Model: "Cisco 3905"}
	f.write(phone)
	e.Identify(event.Alarm, "")
	return e
}

func (f *fleet) names(node int) (source, host, name string) {
	return []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}[node],
		[]string{"cucm-1.example.net", "cucm-2.example.net", "cucm-3.example.net", "cucm-4.example.net"}[node],
		[]string{"cucm-1", "cucm-2", "cucm-3", "cucm-4"}[node]
}

// write writes the record and cuts the rest of the event out of it.
func (f *fleet) write(phone int) {
	e := &f.row
	b := fmt.Appendf(f.raw[:0], "<187>%d: %s: ", e.Seq, e.Host)
	cut := func(format string, args ...any) (from, to int) {
		from = len(b)
		b = fmt.Appendf(b, format, args...)
		return from, len(b)
	}
	c0, c1 := cut("%s", e.Time.Format("Jan 02 2006 15:04:05.000 UTC"))
	b = append(b, " :  %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName="...)
	d0, d1 := cut("SEP00%010X", phone*7919)
	b = append(b, "][IPAddress="...)
	i0, i1 := cut("10.%d.%d.%d", 60+phone>>16, phone>>8&255, phone&255)
	b = fmt.Appendf(b, "][Protocol=SIP][DeviceType=%d][Description=", e.DeviceType)
	t0, t1 := cut("Room %d desk %d", phone/8, phone%8)
	b = fmt.Appendf(b, "][Reason=%d][IPAddrAttributes=0][LastSignalReceived=%s][AppID=Cisco CallManager][ClusterID=%s][NodeID=%s]: %s",
		e.Event.Reason, e.Signal, e.Cluster, e.Node, e.Text)
	f.raw = b
	raw := string(b)
	e.Raw, e.Claimed, e.Device, e.IP, e.Description = raw, raw[c0:c1], raw[d0:d1], raw[i0:i1], raw[t0:t1]
	at := strings.Index(raw, "%[") + 2
	for part := range strings.SplitSeq(raw[at:strings.LastIndex(raw, "]: ")], "][") {
		key, value, _ := strings.Cut(part, "=")
		e.Tags = append(e.Tags, event.Tag{Key: key, Value: value})
	}
}

// cpu is the time this process has had from its processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const batchSize = 50_000

// BenchmarkCommit is one row through Add and Commit, alarms being made beforehand.
func BenchmarkCommit(b *testing.B) {
	s := open(b)
	f := newFleet(20_000)
	rows := make([]event.Row, batchSize)
	var frame uint64
	var used time.Duration
	b.ReportAllocs()
	for done := 0; done < b.N; done += batchSize {
		b.StopTimer()
		n := min(batchSize, b.N-done)
		for i := range n {
			rows[i] = *f.next()
			rows[i].Tags = append([]event.Tag(nil), rows[i].Tags...)
		}
		b.StartTimer()
		used -= cpu()
		batch := s.Begin("a", frame)
		for i := range n {
			batch.Add(&rows[i])
		}
		frame += uint64(n)
		if _, err := batch.Commit(context.Background(), frame, event.Counts{}); err != nil {
			b.Fatal(err)
		}
		used += cpu()
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkAdd is one row into the columns.
func BenchmarkAdd(b *testing.B) {
	s := open(b)
	f := newFleet(20_000)
	rows := make([]event.Row, 10_000)
	for i := range rows {
		rows[i] = *f.next()
		rows[i].Tags = append([]event.Tag(nil), rows[i].Tags...)
	}
	b.ReportAllocs()
	used := -cpu()
	for b.Loop() {
		batch := s.Begin("a", 0)
		for i := range rows {
			batch.Add(&rows[i])
		}
		batch.release()
	}
	used += cpu()
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/float64(len(rows)), "cpu-ns/row")
}

const columnSizes = `
SELECT name, data_compressed_bytes FROM system.columns
WHERE database = currentDatabase() AND table = 'events'
ORDER BY data_compressed_bytes DESC`

// BenchmarkDisk reports the bytes that an event takes after merges.
func BenchmarkDisk(b *testing.B) {
	const events = 200_000
	s := open(b)
	f := newFleet(5_000)
	for frame := 0; frame < events; frame += batchSize {
		batch := s.Begin("a", uint64(frame))
		for range batchSize {
			batch.Add(f.next())
		}
		if _, err := batch.Commit(context.Background(), uint64(frame+batchSize), event.Counts{}); err != nil {
			b.Fatal(err)
		}
	}
	// Only parts with a file for each column tell how much each takes.
	for _, statement := range []string{
		"ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 0",
		"OPTIMIZE TABLE events FINAL",
	} {
		if err := s.conn.Exec(context.Background(), statement); err != nil {
			b.Fatal(err)
		}
	}
	rows, err := s.conn.Query(context.Background(), columnSizes)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var total float64
	for rows.Next() {
		var name string
		var size uint64
		if err := rows.Scan(&name, &size); err != nil {
			b.Fatal(err)
		}
		total += float64(size)
		b.Logf("%-12s %6.2f bytes", name, float64(size)/events)
	}
	for b.Loop() {
	}
	b.ReportMetric(total/events, "bytes/event")
}
