package event

// Ending is what records that end alike say there: their last tags, from one on that is the same for many devices, and the text
// behind them. A node says the same few things of all its phones. So a parser gives the events of records that end in the same
// bytes the same Ending, and what was found out about it once need not be found out again. It is never changed.
type Ending struct {
	Tags                                          []Tag  // the last of Event.Tags
	Signal, CallState, AppID, Cluster, Node, Text string // those of the event

	Hash  uint64 // of the bytes
	place []byte // how what Identify hashes begins
}

// NewEnding makes an Ending of an event that has nothing before it. Its strings must not change any more.
func NewEnding(e *Event, hash uint64) *Ending {
	return &Ending{
		Tags: e.Tags, Signal: e.Signal, CallState: e.CallState, AppID: e.AppID, Cluster: e.Cluster, Node: e.Node, Text: e.Text,
		Hash: hash, place: appendPlace(nil, e),
	}
}
