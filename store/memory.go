package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"flapwatch/event"
)

// memory is what is known about stored events without asking ClickHouse: of the batches that are decided, whether or not they are written
// yet. An id contains the second of its event, so a copy can only be among the stored events of the same second.
//
//   - days says for each second of some days whether ClickHouse may have events of it. A day is loaded when it is
//     first touched.
//   - current and previous hold the ids of the seconds that were empty when they were first touched, which is all
//     that is stored of them. When current is full, previous is forgotten and with it what was known of its seconds.
//
// Live events are newer than all that is stored and find an empty second; their second copies come soon. ClickHouse is
// asked about the rest: late copies, old files. It can tell of a batch when that is written, so whoever asks waits for those decided
// before; that also makes it safe to forget.
type memory struct {
	days              map[int64]*day // by days since 1970
	current, previous generation
	decided           map[string]uint64 // by spool: end of the last range
	entered           int               // ids at the end of current whose batch is not decided yet
	unwritten         []*writing        // of the batches that are
}

// writing is a batch on its way into ClickHouse, from its decision on.
type writing struct {
	done    chan struct{} // closed when all its rows are there
	refused []event.ID    // by ClickHouse; known when done is closed
}

func (w *writing) isDone() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

func (w *writing) end(refused []event.ID) {
	w.refused = refused
	close(w.done)
}

const (
	secondsPerDay = 86_400
	maxDays       = 512 // remembered; 10.8 kB each
	maxNewDays    = 64  // loaded for one batch
	maxIDs        = 1 << 17
)

// day has a bit for each second.
type day [secondsPerDay / 64]uint64

type generation struct {
	ids     idSet
	seconds map[int64]struct{} // of which nothing was stored before this generation
}

func split(second int64) (number int64, word int, bit uint64) {
	number = second / secondsPerDay
	rest := second - number*secondsPerDay
	return number, int(rest / 64), 1 << (rest % 64)
}

// stored says whether ClickHouse may have events of the second.
func (m *memory) stored(second int64) bool {
	number, word, bit := split(second)
	d := m.days[number]
	return d == nil || d[word]&bit != 0
}

// complete says whether all stored ids of the second are remembered.
func (m *memory) complete(second int64) bool {
	if _, ok := m.current.seconds[second]; ok {
		return true
	}
	_, ok := m.previous.seconds[second]
	return ok
}

// old says whether the previous generation may have ids of the second: not of one that was empty when it was first touched in this one.
func (m *memory) old(second int64) bool {
	_, young := m.current.seconds[second]
	return !young
}

// begin prepares for a batch. One whose range does not follow the range before is one that is written again: rows of its own may be
// among those remembered, and ClickHouse tells them apart. What another batch entered and did not decide is forgotten, and what was
// decided and refused.
func (m *memory) begin(b *Batch) {
	if b.first < m.decided[b.spool] {
		*m = memory{}
	}
	m.undo()
	m.unwritten = slices.DeleteFunc(m.unwritten, func(w *writing) bool {
		if !w.isDone() {
			return false
		}
		for _, id := range w.refused {
			m.current.ids.forget(id)
			m.previous.ids.forget(id)
		}
		return true
	})
}

// undo forgets what was entered since the last decision.
func (m *memory) undo() {
	m.current.ids.cut(m.current.ids.len() - m.entered)
	m.entered = 0
}

// written waits until ClickHouse has all rows that are decided. What it says before that may be wrong.
func (m *memory) written(ctx context.Context) error {
	for _, w := range m.unwritten {
		select {
		case <-w.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for the ranges before: %w", ctx.Err())
		}
	}
	return nil
}

// approach prepares for the ids that come next.
func (m *memory) approach(ids []event.ID, old bool) {
	m.current.ids.approach(ids)
	if old {
		m.previous.ids.approach(ids)
	}
}

// enter takes in an id of the batch that was begun, and says whether it is neither remembered nor in the batch already. old says that the
// previous generation may have it.
func (m *memory) enter(id event.ID, old bool) bool {
	if old && m.previous.ids.has(id) || !m.current.ids.add(id) {
		return false
	}
	m.entered++
	return true
}

// learn takes in the rows of a batch that will be stored. Of what was entered it keeps the ids whose second is known completely.
func (m *memory) learn(b *Batch, rows []int32) *writing {
	if m.decided == nil {
		m.decided = map[string]uint64{}
	}
	m.decided[b.spool] = b.next
	last, complete, kept := int64(math.MinInt64), false, 0
	for _, row := range rows {
		if second := b.events.second(row); second != last {
			last, complete = second, m.complete(second) || m.open(second)
		}
		if complete {
			kept++
		}
	}
	if m.entered != kept {
		m.undo()
		for _, row := range rows {
			if m.complete(b.events.second(row)) {
				m.current.ids.add(b.events.ids[row])
			}
		}
	}
	m.entered = 0
	if m.current.ids.len() >= maxIDs {
		m.turn()
	}
	w := &writing{done: make(chan struct{})}
	m.unwritten = append(m.unwritten, w)
	return w
}

// open notes the first event of a second, if it is empty.
func (m *memory) open(second int64) bool {
	if m.stored(second) {
		return false
	}
	if m.current.seconds == nil {
		m.current.seconds = map[int64]struct{}{}
	}
	m.current.seconds[second] = struct{}{}
	number, word, bit := split(second)
	m.days[number][word] |= bit
	return true
}

// turn makes the current generation the previous one, which is forgotten.
func (m *memory) turn() {
	m.current, m.previous = m.previous, m.current
	m.current.ids.reset(maxIDs)
	clear(m.current.seconds)
}

// storedSeconds finds the seconds of which there are events, on some days.
const storedSeconds = `
SELECT DISTINCT intDiv(toUnixTimestamp64Milli(time), 1000) AS second
FROM events
WHERE time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})
  AND intDiv(toUnixTimestamp64Milli(time), 86400000) IN {days:Array(Int64)}`

// loadDays loads the days of times, in milliseconds, that are not known. Too many at once are left unknown.
func (s *Store) loadDays(ctx context.Context, times []int64) error {
	unknown := s.memory.unknown(times)
	if len(unknown) == 0 {
		return nil
	}
	if err := s.memory.written(ctx); err != nil {
		return err
	}
	loaded := map[int64]*day{}
	for _, number := range unknown {
		loaded[number] = new(day)
	}
	const ms = secondsPerDay * 1000
	parameters := []any{
		clickhouse.Named("days", unknown),
		clickhouse.Named("from", slices.Min(unknown)*ms), clickhouse.Named("to", slices.Max(unknown)*ms+ms),
	}
	err := s.each(ctx, lookup, "read stored seconds", storedSeconds, parameters, func(list driver.Rows) error {
		var second int64
		if err := list.Scan(&second); err != nil {
			return err
		}
		if number, word, bit := split(second); loaded[number] != nil {
			loaded[number][word] |= bit
		}
		return nil
	})
	if err == nil {
		s.memory.take(loaded)
	}
	return err
}

// unknown gives the days of times that are not loaded, at most maxNewDays.
func (m *memory) unknown(times []int64) []int64 {
	var list []int64
	last := int64(-1)
	for _, ms := range times {
		number := ms / (secondsPerDay * 1000)
		if number == last {
			continue
		}
		last = number
		if m.days[number] == nil && len(list) < maxNewDays && !slices.Contains(list, number) {
			list = append(list, number)
		}
	}
	return list
}

// take remembers days. When there are too many, all others are forgotten: they will be loaded again.
func (m *memory) take(loaded map[int64]*day) {
	if m.days == nil || len(m.days)+len(loaded) > maxDays {
		m.days = map[int64]*day{}
	}
	for number, d := range loaded {
		m.days[number] = d
	}
}

// idSet is a set of ids, at most 2^24 of them: an open-addressed table of places in a list. Ids are hashes, but of what a stranger
// may send: the seed keeps him from choosing the slots.
type idSet struct {
	ids   []event.ID
	slots []uint32 // 0, or place in ids + 1 and above it bits of the hash, which tell most other ids without a look at them
	seed  uint64
	seen  uint32 // by approach, which would be left out otherwise
}

const placeBits = 24

// most is how many ids so many slots are good for: fewer slots lie closer together in the processor's cache, which counts for more than
// the slots that are passed on the way.
func most(slots int) int { return slots / 4 * 3 }

// reset empties the set and makes room for n ids.
func (s *idSet) reset(n int) {
	size := 1024
	for most(size) <= n {
		size *= 2
	}
	if len(s.slots) < size {
		s.ids, s.slots = make([]event.ID, 0, most(size)), make([]uint32, size)
	} else {
		clear(s.slots)
	}
	s.ids = s.ids[:0]
	s.seed = rand.Uint64()
}

func (s *idSet) len() int { return len(s.ids) }

// find gives the slot of id, or the empty one where it belongs, and the bits of the hash that go there.
func (s *idSet) find(id event.ID) (i int, bits uint32) {
	hash, mask := s.hash(id), len(s.slots)-1
	bits = uint32(hash>>32) >> placeBits << placeBits
	for i = int(hash) & mask; ; i = (i + 1) & mask {
		slot := s.slots[i]
		if slot == 0 || slot>>placeBits == bits>>placeBits && s.ids[slot&(1<<placeBits-1)-1] == id {
			return i, bits
		}
	}
}

// approach looks at the slots where some ids may be, all at once: whoever comes for one after the other finds them in the cache.
func (s *idSet) approach(ids []event.ID) {
	var seen uint32
	if mask := len(s.slots) - 1; mask >= 0 {
		for _, id := range ids {
			seen |= s.slots[int(s.hash(id))&mask]
		}
	}
	s.seen = seen
}

func (s *idSet) has(id event.ID) bool {
	if len(s.ids) == 0 {
		return false
	}
	i, _ := s.find(id)
	return s.slots[i] != 0
}

// add adds id and says whether it was missing.
func (s *idSet) add(id event.ID) bool {
	if len(s.ids) >= most(len(s.slots)) {
		s.grow()
	}
	i, bits := s.find(id)
	if s.slots[i] != 0 {
		return false
	}
	s.ids = append(s.ids, id)
	s.slots[i] = bits | uint32(len(s.ids))
	return true
}

// cut removes the ids added last, until there are n. In the order in which they are taken out none was passed on the way of another.
func (s *idSet) cut(n int) {
	for len(s.ids) > n {
		place := len(s.ids)
		mask := len(s.slots) - 1
		i := int(s.hash(s.ids[place-1])) & mask
		for s.slots[i]&(1<<placeBits-1) != uint32(place) {
			i = (i + 1) & mask
		}
		s.slots[i] = 0
		s.ids = s.ids[:place-1]
	}
}

// forget puts in the place of id one that nothing has. It must not be among those that are cut.
func (s *idSet) forget(id event.ID) {
	if !s.has(id) {
		return
	}
	i, _ := s.find(id)
	binary.NativeEndian.PutUint64(s.ids[s.slots[i]&(1<<placeBits-1)-1][:], rand.Uint64())
}

func (s *idSet) grow() {
	s.slots = make([]uint32, max(1024, 2*len(s.slots)))
	s.ids = append(make([]event.ID, 0, most(len(s.slots))), s.ids...)
	for i, id := range s.ids {
		slot, bits := s.find(id)
		s.slots[slot] = bits | uint32(i+1)
	}
}

func (s *idSet) hash(id event.ID) uint64 {
	low, high := binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])
	a, b := bits.Mul64(low^s.seed, high^bits.Reverse64(s.seed))
	return a ^ b
}
