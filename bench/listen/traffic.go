package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"flapwatch/simulate"
)

const devices = 5000

// flood makes the traffic: unregistrations of 5,000 devices, whose own times go on at 200,000 a second.
func flood() *simulate.Flood {
	return simulate.NewFlood(1, time.Now().Add(-time.Minute), 5*time.Microsecond, devices)
}

// sendTCP sends n lines over one connection as fast as they are taken, or at a rate.
func sendTCP(address string, n, rate int) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	f, start := flood(), time.Now()
	buf := make([]byte, 0, 256<<10)
	for f.Count() < uint64(n) {
		buf = append(f.Next(buf), '\n')
		if len(buf) > 250<<10 || f.Count() == uint64(n) {
			if _, err := c.Write(buf); err != nil {
				return fmt.Errorf("send: %w", err)
			}
			buf = buf[:0]
			if rate > 0 {
				time.Sleep(time.Until(start.Add(time.Duration(f.Count()) * time.Second / time.Duration(rate))))
			}
		}
	}
	return nil
}

const (
	burst   = 64                    // datagrams that the kernel is given at once
	late    = 10 * time.Millisecond // what a sender that was kept from sending sends at once, at the most
	quicker = 4                     // the rest of it makes the rate so much higher: by a quarter
)

// sendUDP sends datagrams at a rate for some time, and says how many. Datagrams of one length are handed to the kernel together, which
// cuts them apart behind its own way out (UDP_SEGMENT, udp(7)): so the sender takes little of the time that it shares with the receiver.
// Where it has to wait for the processor nevertheless it catches up at little more than the rate: as fast as it can would be three times
// the rate, for a quarter of a second, which is another question than the one asked. It goes before what it measures, if it may, as it
// would on a machine of its own: else a receiver that takes the processor from it is offered less.
func sendUDP(ctx context.Context, address string, rate int, length time.Duration) (sent int, err error) {
	c, err := net.Dial("udp4", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -10)
	f := flood()
	start := time.Now()
	var before, owed time.Duration // owed: what is to be caught up slowly
	waiting := map[int][]byte{}    // lines, by their length
	var line []byte
	for ctx.Err() == nil {
		gone := time.Since(start)
		if gone >= length {
			return sent, nil
		}
		owed, before = max(0, owed-(gone-before)/quicker), gone
		due := int((gone - owed).Seconds() * float64(rate))
		if behind := time.Duration(due-sent) * time.Second / time.Duration(rate); behind > late {
			owed += behind - late
			due = int((gone - owed).Seconds() * float64(rate))
		}
		if sent+burst > due {
			time.Sleep(time.Duration(sent+burst-due) * time.Second / time.Duration(rate))
			continue
		}
		line = f.Next(line[:0])
		lines := append(waiting[len(line)], line...)
		if waiting[len(line)] = lines; len(lines) < burst*len(line) {
			continue
		}
		if _, _, err := c.(*net.UDPConn).WriteMsgUDP(lines, segments(len(line)), nil); err != nil {
			return sent, fmt.Errorf("send: %w", err)
		}
		waiting[len(line)] = lines[:0]
		sent += burst
	}
	return sent, ctx.Err()
}

// segments is the control message that asks for datagrams of size bytes.
func segments(size int) []byte {
	b := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(size))
	return b
}
