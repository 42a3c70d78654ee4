package event

import "time"

// Senders are those who sent most, and how much of the rest there is.
type Senders struct {
	List      []Source
	Others    int // senders beyond those, each of fewer messages
	Uncounted int // processes whose sequence numbers were not followed: what is missing of them is in no Counter
}

// Source is what one sender sent of one node.
type Source struct {
	Source, Cluster, Node string
	Messages              uint64
	First, Last           time.Time // receipt
	Endpoint              uint64    // alarms that say something about one device
	LastEndpoint          time.Time // receipt of the last of them; zero if there is none
	Up, Down              uint64    // registrations completed, registrations ended
	Unsynchronised        uint64    // messages whose time was marked * or . (the clock is not synchronised)
	Severities            []uint8   // seen, ascending
	Alarms                map[string]uint64
	Skew                  time.Duration // median of claimed - receive time, where a time was claimed: above 0 the sender is ahead
	Counters              []Counter
	Made, Came            time.Duration // how far the claimed and the receive times reach, without the outer twentieths
}

// Replayed says that the messages were made long before they came and at another pace: somebody played a record, or a relay had held
// them back. A wrong clock keeps the pace.
func (s *Source) Replayed() bool {
	return s.Skew < 0 && s.Made-s.Came > max(10*time.Minute, s.Came)
}

// Counter is the sequence number of one process of a node, whoever delivered its messages.
type Counter struct {
	AppID    string
	First    uint32 // number, in the order of time
	Last     uint32
	Missing  uint64 // numbers that were passed over: messages lost before they arrived
	Gaps     uint64 // places where some were
	Restarts uint64 // times the counter began anew
}

// Heard is a node and when its messages were received from a peer; files do not count.
type Heard struct {
	Cluster, Node string
	Messages      uint64
	First, Last   time.Time // receipt
}
