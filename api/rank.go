package api

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"

	"flapwatch/event"
)

// Answers that are worked out, rather than read from a table, are put in order by a key, and a cursor is the key of the last item
// shown. It stays valid while events arrive: what has moved behind it is shown, what has moved before it is not shown twice.

// ranked sorts items by their keys and gives those behind the cursor, at most limit of them, and the cursor that continues.
func ranked[T any](items []T, key func(*T) string, cursor string, limit int) ([]T, string, error) {
	after, err := readRank(cursor)
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(&a), key(&b)) })
	first, _ := slices.BinarySearchFunc(items, after, func(x T, after string) int {
		if cursor == "" || key(&x) > after {
			return 1
		}
		return -1
	})
	items = items[first:]
	if len(items) <= limit {
		return items, "", nil
	}
	items = items[:limit]
	return items, writeRank(key(&items[limit-1])), nil
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
