package event

// Counts are messages by what became of them. Received = Stored + Duplicate + Unparsed + Other + Dropped + InSpool, at any moment.
type Counts struct {
	Received  uint64 // taken in, the dropped ones included
	Stored    uint64 // in the events table (quoted alarms too); a message in several parts counts each part
	Duplicate uint64 // another copy of an event that is stored
	Unparsed  uint64 // not understood, kept with the reason
	Other     uint64 // understood, no CUCM alarm
	Dropped   uint64 // taken in and lost, each under a reason
	InSpool   uint64 // accepted, not yet decided
}

// Add gives the sum of both.
func (c Counts) Add(o Counts) Counts {
	return Counts{
		c.Received + o.Received, c.Stored + o.Stored, c.Duplicate + o.Duplicate, c.Unparsed + o.Unparsed, c.Other + o.Other,
		c.Dropped + o.Dropped, c.InSpool + o.InSpool,
	}
}

// Range is a stretch of spool frames: First ≤ n < Next.
type Range struct {
	First, Next uint64
}
