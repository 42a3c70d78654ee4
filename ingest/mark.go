package ingest

import (
	"context"
	"time"

	"flapwatch/spool"
)

// markMessage is the message of its own that a silent pipeline takes in. It is counted with those that are no CUCM alarm.
const (
	markSource  = "flapwatch"
	markMessage = "<46>flapwatch: -- MARK --" // facility syslog, severity informational
)

// markTime ends the wait for the rest of a message in parts when no other message comes to tell the time by. The spool is all that the
// ranges are made of, so that a range that is read again comes out the same; the end of the wait has to stand in it too. At most one
// mark is written for each message that waits; what comes behind the mark ends its wait just as well.
func (p *Pipeline) markTime(ctx context.Context) error {
	var marked int64
	for ctx.Err() == nil {
		wait(ctx, min(p.Parts, time.Second))
		began, now := p.waiting.Load(), p.Now()
		if began == 0 || began == marked || now.Sub(time.Unix(0, began)) < p.Parts {
			continue
		}
		var b spool.Batch
		b.Add(now.UnixNano(), markSource, []byte(markMessage))
		if _, err := p.Spool.Append(&b); err != nil {
			p.Log.Debug("no mark in the spool; trying again", "error", err)
			continue
		}
		p.Metrics.Frames.WithLabelValues("mark").Inc()
		p.Metrics.Bytes.WithLabelValues("mark").Add(float64(len(markMessage)))
		marked = began
	}
	return nil
}
