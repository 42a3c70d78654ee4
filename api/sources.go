package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"flapwatch/event"

	"github.com/danielgtaylor/huma/v2"
)

// Sender is what one sender sent of one node.
type Sender struct {
	Source       string            `json:"source" doc:"Peer address or file name."`
	Cluster      string            `json:"cluster"`
	Node         string            `json:"node"`
	Messages     uint64            `json:"messages" doc:"Alarms stored; operating system lines are not among them."`
	First        Time              `json:"first_message" doc:"Receive time."`
	Last         Time              `json:"last_message" doc:"Receive time."`
	Endpoint     uint64            `json:"endpoint_alarms" doc:"Alarms about the registration of a device."`
	LastEndpoint Time              `json:"last_endpoint_alarm"`
	Up           uint64            `json:"registrations"`
	Down         uint64            `json:"unregistrations"`
	Severities   []int             `json:"severities" nullable:"false" doc:"Seen, ascending."`
	Alarms       map[string]uint64 `json:"alarms" nullable:"false" doc:"Seen, with their number."`
	Lost         uint64            `json:"lost_messages" doc:"Sequence numbers of the node's processes that never arrived, from whichever sender."`
	Sequences    []Sequence        `json:"sequences" nullable:"false"`
	Skew         *float64          `json:"clock_skew_seconds" doc:"Median of claimed minus receive time: above 0 the sender's clock is ahead. Null for files and for what was replayed."`
	Replayed     bool              `json:"replayed" doc:"The messages were made before they came, at another pace: a record that was played, or a relay that had held them back. Their times say nothing about the clock."`
	Unsynced     uint64            `json:"unsynchronised_messages" doc:"Messages in which the node says that its clock is not synchronised."`
	Problems     []string          `json:"problems" nullable:"false" doc:"What is wrong with the sender's settings, and what to change."`
}

// Sequence is the message counter of one process of a node.
type Sequence struct {
	Process  string `json:"process"`
	First    uint32 `json:"first"`
	Last     uint32 `json:"last"`
	Lost     uint64 `json:"lost"`
	Gaps     uint64 `json:"gaps" doc:"Places where numbers are missing."`
	Restarts uint64 `json:"restarts" doc:"Times the counter began anew."`
}

type sourcesInput struct {
	Span
	Place
	Form
}

// Resolve implements huma.Resolver.
func (i *sourcesInput) Resolve(c huma.Context) []error {
	return append(i.Span.Resolve(c), clean("cluster", i.Cluster, "node", i.Node)...)
}

// Senders is the answer of GET /sources.
type Senders struct {
	List[Sender]
	Others    int `json:"others" doc:"Senders beyond those listed, each of fewer messages: a cluster, a node or a shorter window tells of them."`
	Uncounted int `json:"uncounted_processes" doc:"Processes beyond the first 100,000, whose sequence numbers were not followed: what is lost of their messages is in no lost_messages."`
}

// sourcesAnswer says in its head what a table has no room for.
type sourcesAnswer struct {
	ContentType string `header:"Content-Type"`
	Others      int    `header:"Flapwatch-Others" doc:"As others in JSON."`
	Uncounted   int    `header:"Flapwatch-Uncounted-Processes" doc:"As uncounted_processes in JSON."`
	Body        Senders
}

func (s *server) sources(ctx context.Context, in *sourcesInput) (*sourcesAnswer, error) {
	out, err := s.senders(ctx, event.Filter{Window: in.window, Cluster: in.Cluster, Node: in.Node})
	if err != nil {
		return nil, err
	}
	all := list(in.request, out.Items, "", in.window)
	out.List = all.Body
	return &sourcesAnswer{all.ContentType, out.Others, out.Uncounted, out}, nil
}

// senders tells who sends, what is wrong with the settings, and how much of the rest there is.
func (s *server) senders(ctx context.Context, f event.Filter) (Senders, error) {
	found, err := s.Reader.Sources(ctx, f)
	if err != nil {
		return Senders{}, s.fail("sources", err)
	}
	nodes := together(found.List)
	items := make([]Sender, len(nodes))
	for i := range items {
		o := &found.List[i]
		items[i] = viewSender(o)
		items[i].Problems = append(some(nodes[i].problems()), clockProblems(o)...)
	}
	return Senders{List: List[Sender]{Items: items}, Others: found.Others, Uncounted: found.Uncounted}, nil
}

func viewSender(o *event.Source) Sender {
	v := Sender{
		Source: o.Source, Cluster: o.Cluster, Node: o.Node, Messages: o.Messages, First: Time{o.First}, Last: Time{o.Last},
		Endpoint: o.Endpoint, LastEndpoint: Time{o.LastEndpoint}, Up: o.Up, Down: o.Down, Severities: []int{}, Alarms: o.Alarms,
		Sequences: []Sequence{}, Skew: when(live(o), o.Skew.Seconds()), Replayed: o.Replayed(), Unsynced: o.Unsynchronised,
	}
	for _, level := range o.Severities {
		v.Severities = append(v.Severities, int(level))
	}
	for _, c := range o.Counters {
		v.Lost += c.Missing
		v.Sequences = append(v.Sequences, Sequence{c.AppID, c.First, c.Last, c.Missing, c.Gaps, c.Restarts})
	}
	return v
}

// live says whether messages came from a peer as they were made, and not out of a file or a record.
func live(o *event.Source) bool {
	_, err := netip.ParseAddr(o.Source)
	return err == nil && !o.Replayed()
}

// node is what all senders together sent of one node: the service and the Syslog Agent are two senders.
type node struct {
	name                         string
	messages, endpoint, up, down uint64
	finest                       uint8 // highest severity number seen
	lost                         uint64
}

// together sums what was sent by node. Alarms without a ClusterID belong to the node of their name that has one.
func together(list []event.Source) []*node {
	type place struct{ cluster, name string }
	cluster := map[string]string{}
	for _, o := range list {
		if o.Cluster != "" {
			cluster[o.Node] = o.Cluster
		}
	}
	nodes, counted := map[place]*node{}, map[place]bool{}
	byItem := make([]*node, len(list))
	for i := range list {
		o := &list[i]
		p := place{cmp.Or(o.Cluster, cluster[o.Node]), o.Node}
		n := nodes[p]
		if n == nil {
			n = &node{name: o.Node}
			nodes[p] = n
		}
		byItem[i] = n
		if own := (place{o.Cluster, o.Node}); !counted[own] { // every sender of a node has the counters of all
			counted[own] = true
			for _, c := range o.Counters {
				n.lost += c.Missing
			}
		}
		n.messages, n.endpoint, n.up, n.down = n.messages+o.Messages, n.endpoint+o.Endpoint, n.up+o.Up, n.down+o.Down
		if len(o.Severities) > 0 {
			n.finest = max(n.finest, slices.Max(o.Severities))
		}
	}
	return byItem
}

// informational is the severity of EndPointRegistered and of planned unregistrations.
const informational = 6

// problems are sentences about the settings of a node.
func (n *node) problems() (list []string) {
	if n.endpoint == 0 {
		list = append(list, fmt.Sprintf("no alarm about an endpoint seen from %s, and %d others: if phones register there, untick Exclude End Point Alarms "+
			"(Serviceability, Alarm, Configuration, CM Services, Cisco CallManager, Remote Syslogs)", n.name, n.messages))
	}
	if n.up == 0 && n.finest < informational {
		list = append(list, fmt.Sprintf("no registration (-6-) ever seen from %s: set the alarm event level of Remote Syslogs to Informational; until then "+
			"times registered, times away and planned unregistrations are not known", n.name))
	}
	if n.lost > 0 {
		list = append(list, fmt.Sprintf("%d messages of %s were sent and never arrived (gaps in its sequence numbers): if it sends over UDP, look at the receive buffer "+
			"and the network, or let it send over TCP (utils remotesyslog set protocol tcp); if over TCP, look for connections that broke", n.lost, n.name))
	}
	return list
}

// heldBack is a delay that clocks seldom show, and delayed copies do.
const heldBack = 24 * time.Hour

// clockProblems are sentences about a sender's clock.
func clockProblems(o *event.Source) (list []string) {
	if o.Unsynchronised > 0 {
		list = append(list, fmt.Sprintf("%s says that its clock is not synchronised (%d of %d messages): check utils ntp status", o.Node, o.Unsynchronised, o.Messages))
	}
	if off := o.Skew.Abs(); live(o) && off >= 30*time.Second {
		direction, hint := "ahead", zoneHint(off)
		if o.Skew < 0 {
			direction = "behind"
		}
		if o.Skew < 0 && off >= heldBack {
			hint = ", unless the messages were held back on the way for as long"
		}
		list = append(list, fmt.Sprintf("the clock of %s is %s %s: check its NTP servers%s", o.Node, length(off), direction, hint))
	}
	return list
}

// zoneHint is for differences of whole half hours: they are seldom a clock's own fault.
func zoneHint(off time.Duration) string {
	rest := math.Remainder(off.Seconds(), 1800)
	if off < 25*time.Minute || off > 15*time.Hour || math.Abs(rest) > 60 {
		return ""
	}
	return " and its time zone (the messages may carry local time that was taken for UTC)"
}

// length writes a duration in its largest unit: 3 h, 40 min, 35 s.
func length(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f d", d.Hours()/24)
	case d >= 90*time.Minute:
		return fmt.Sprintf("%.3g h", math.Round(d.Hours()*10)/10)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
