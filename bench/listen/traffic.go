package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"flapwatch/simulate"

	"golang.org/x/net/ipv4"
)

const devices = 5000

// flood makes the traffic: unregistrations of 5,000 devices, whose own times go on at 200,000 a second.
func flood() *simulate.Flood {
	return simulate.NewFlood(1, time.Now().Add(-time.Minute), 5*time.Microsecond, devices)
}

// sendTCP sends n lines over one connection as fast as they are taken.
func sendTCP(address string, n int) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	f := flood()
	buf := make([]byte, 0, 256<<10)
	for f.Count() < uint64(n) {
		buf = append(f.Next(buf), '\n')
		if len(buf) > 250<<10 || f.Count() == uint64(n) {
			if _, err := c.Write(buf); err != nil {
				return fmt.Errorf("send: %w", err)
			}
			buf = buf[:0]
		}
	}
	return nil
}

// sendUDP sends datagrams at a rate for some time, in bursts of 64 every so often, and says how many.
func sendUDP(ctx context.Context, address string, rate int, length time.Duration) (sent int, err error) {
	const burst = 64
	c, err := net.Dial("udp4", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	pc := ipv4.NewPacketConn(c.(*net.UDPConn))
	f := flood()
	messages := make([]ipv4.Message, burst)
	for i := range messages {
		messages[i].Buffers = [][]byte{nil}
	}
	start := time.Now()
	for ctx.Err() == nil {
		gone := time.Since(start)
		if gone >= length {
			return sent, nil
		}
		if due := int(gone.Seconds() * float64(rate)); sent+burst > due {
			time.Sleep(time.Duration(sent+burst-due) * time.Second / time.Duration(rate))
			continue
		}
		for i := range messages {
			messages[i].Buffers[0] = f.Next(messages[i].Buffers[0][:0])
		}
		for todo := messages; len(todo) > 0; {
			n, err := pc.WriteBatch(todo, 0)
			if err != nil {
				return sent, fmt.Errorf("send: %w", err)
			}
			todo = todo[n:]
		}
		sent += burst
	}
	return sent, ctx.Err()
}
