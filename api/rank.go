package api

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"sync"

	"flapwatch/diagnose"
	"flapwatch/event"
)

// Answers that are worked out, rather than read from a table, are put in order by a key, and a cursor is the key of the last item
// shown. It stays valid while events arrive: what has moved behind it is shown, what has moved before it is not shown twice.

// ranking is items in the order of their keys.
type ranking[T any] struct {
	keys  []string
	items []T
}

// rank puts items in order.
func rank[T any](items []T, key func(T) string) *ranking[T] {
	type keyed struct {
		key  string
		item T
	}
	all := make([]keyed, len(items))
	for i, x := range items {
		all[i] = keyed{key(x), x}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	r := &ranking[T]{make([]string, len(all)), make([]T, len(all))}
	for i, x := range all {
		r.keys[i], r.items[i] = x.key, x.item
	}
	return r
}

// page gives the items that count behind the cursor, at most limit of them, and the cursor that continues, empty at the end.
func (r *ranking[T]) page(cursor string, limit int, counts func(T) bool) ([]T, string, error) {
	after, err := readRank(cursor)
	if err != nil {
		return nil, "", err
	}
	first := 0
	if cursor != "" {
		var found bool
		if first, found = slices.BinarySearch(r.keys, after); found {
			first++
		}
	}
	var page []T
	last := ""
	for i := first; i < len(r.keys); i++ {
		switch {
		case !counts(r.items[i]):
		case len(page) == limit:
			return page, writeRank(last), nil
		default:
			page, last = append(page, r.items[i]), r.keys[i]
		}
	}
	return page, "", nil
}

// all counts every item.
func all[T any](T) bool { return true }

// rankings keeps the order of the devices of a few surveys, so that it is not made for every page of one.
type rankings struct {
	mu   sync.Mutex
	kept []ranked
}

type ranked struct {
	survey *diagnose.Survey
	*ranking[*diagnose.Verdict]
}

// flapping ranks the devices of a survey that lost their registration.
func (r *rankings) flapping(s *diagnose.Survey) *ranking[*diagnose.Verdict] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.kept, func(k ranked) bool { return k.survey == s }); i >= 0 {
		return r.kept[i].ranking
	}
	var lost []*diagnose.Verdict
	for _, v := range s.Verdicts {
		if v.Device.Flap.Unregistrations+v.Device.Flap.Expected > 0 {
			lost = append(lost, v)
		}
	}
	made := rank(lost, func(v *diagnose.Verdict) string {
		f := v.Device.Flap.In(s.Window)
		return down(float64(f.Unregistrations)) + down(f.Score) + v.Cluster + "\x00" + v.Device.Device
	})
	const most = 4
	if len(r.kept) == most {
		r.kept = slices.Delete(r.kept, 0, 1)
	}
	r.kept = append(r.kept, ranked{s, made})
	return made
}

func writeRank(key string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "r%08x%s", crc32.ChecksumIEEE([]byte(key)), key))
}

func readRank(cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(b) >= 9 {
		if key := string(b[9:]); fmt.Sprintf("r%08x", crc32.ChecksumIEEE([]byte(key))) == string(b[:9]) {
			return key, nil
		}
	}
	return "", fmt.Errorf("%w: %q", event.ErrCursor, cursor)
}

// up and down write numbers that are not negative so that keys sort by them, upwards and downwards.
func up(v float64) string   { return fmt.Sprintf("%016x", math.Float64bits(v)) }
func down(v float64) string { return fmt.Sprintf("%016x", ^math.Float64bits(v)) }
