// Package ingest is the listening wing: it takes syslog messages from sockets and files, puts their raw bytes into the spool,
// and behind the spool understands them and hands them to a Sink in batches.
//
//	udp.go tcp.go ─▶ framing.go ─▶ intake.go ─▶ spool ─▶ pipeline.go ─▶ worker.go ─▶ Sink
//	        files ─▶ archive.go ─▶ importer.go ─┘
//
// Receive first, think later: a receiver (for UDP a process of its own, datagram) reads, stamps, counts and appends. Parsing happens behind
// the spool, so that a parser's fault cannot lose a message. A message is accepted when its bytes are fsynced in the spool.
//
// The doors are Listen for the sockets, Importer for files and Pipeline for what follows the spool. This package knows neither
// the database nor HTTP.
package ingest

import "context"

// MaxFrame is the most bytes kept of one message; the rest of a longer one is skipped and counted.
const MaxFrame = 64 << 10

// Frame is one message as it was received. Data is valid only during the call it is passed to.
type Frame struct {
	Received int64  // Unix nanoseconds
	Source   string // peer address or file name
	Data     []byte
}

// Doer is anything that runs until its context ends; nil means that it ended well.
type Doer interface {
	Run(context.Context) error
}
