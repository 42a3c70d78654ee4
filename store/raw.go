package store

import "flapwatch/event"

// encodeRaw and decodeRaw are the one place that decides how the record as it came is kept: all its bytes, for now.

func encodeRaw(e *event.Event) string { return e.Raw }

func decodeRaw(stored string, _ *event.Event) string { return stored }
