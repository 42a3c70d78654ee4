package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/event"
)

// What may be wrong with a database, besides not answering.
var (
	ErrNewerSchema      = errors.New("the database was used by a newer version of this program")
	ErrChangedMigration = errors.New("a migration differs from the one that was applied")
)

// Exception codes of ClickHouse, by what they mean to us.
// https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
var (
	unknownDatabase = []int32{81}

	// tooMuch: a question went over its limits.
	tooMuch = []int32{
		158, // TOO_MANY_ROWS
		159, // TIMEOUT_EXCEEDED
		241, // MEMORY_LIMIT_EXCEEDED
		307, // TOO_MANY_BYTES
		396, // TOO_MANY_ROWS_OR_BYTES
	}

	// passing: the same statement may succeed later.
	passing = []int32{
		202, // TOO_MANY_SIMULTANEOUS_QUERIES
		203, // NO_FREE_CONNECTION
		209, // SOCKET_TIMEOUT
		210, // NETWORK_ERROR
		236, // ABORTED
		242, // TABLE_IS_READ_ONLY
		243, // NOT_ENOUGH_SPACE
		252, // TOO_MANY_PARTS
		319, // UNKNOWN_STATUS_OF_INSERT
		394, // QUERY_WAS_CANCELLED
		425, // SYSTEM_ERROR
		745, // SERVER_OVERLOADED
		999, // KEEPER_EXCEPTION
	}

	// refused: ClickHouse does not want these values, however often they are sent.
	refused = []int32{
		6,   // CANNOT_PARSE_TEXT
		38,  // CANNOT_PARSE_DATE
		41,  // CANNOT_PARSE_DATETIME
		53,  // TYPE_MISMATCH
		69,  // ARGUMENT_OUT_OF_BOUND
		70,  // CANNOT_CONVERT_TYPE
		72,  // CANNOT_PARSE_NUMBER
		117, // INCORRECT_DATA
		128, // TOO_LARGE_ARRAY_SIZE
		131, // TOO_LARGE_STRING_SIZE
		321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
		349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
		407, // DECIMAL_OVERFLOW
		469, // VIOLATED_CONSTRAINT
	}
)

// isException says whether ClickHouse answered with one of the codes.
func isException(err error, codes []int32) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && slices.Contains(codes, e.Code)
}

// sort gives the sentinel that fits: event.ErrTooMuch when a question went over its limits, event.ErrUnavailable when
// ClickHouse did not answer or may answer otherwise later, nil when it will not.
func sort(err error) error {
	_, answered := errors.AsType[*clickhouse.Exception](err)
	switch {
	case isException(err, tooMuch), errors.Is(err, context.DeadlineExceeded):
		return event.ErrTooMuch
	case answered && !isException(err, passing):
		return nil
	}
	return event.ErrUnavailable
}

// asked says what was tried, and wraps the sentinel that fits. A nil error stays nil.
func asked(what string, err error) error {
	if err == nil {
		return nil
	}
	if kind := sort(err); kind != nil {
		return fmt.Errorf("%s: %w: %w", what, kind, brief{err})
	}
	return fmt.Errorf("%s: %w", what, brief{err})
}

// written is asked for statements that change something: whatever takes too much now may be less later.
func written(what string, err error) error {
	if err == nil {
		return nil
	}
	if sort(err) != nil {
		return fmt.Errorf("%s: %w: %w", what, event.ErrUnavailable, brief{err})
	}
	return fmt.Errorf("%s: %w", what, brief{err})
}

// brief is an error without the parameters of the address that was asked: the driver's errors have all settings in them.
type brief struct{ error }

func (b brief) Unwrap() error { return b.error }

func (b brief) Error() string {
	text := b.error.Error()
	if u, ok := errors.AsType[*url.Error](b.error); ok {
		address, _, _ := strings.Cut(u.URL, "?")
		text = strings.ReplaceAll(text, u.URL, address)
	}
	return text
}

// reasonOf is what ClickHouse said, in one line of at most 300 bytes.
func reasonOf(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		text = e.Message
	}
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 300)]
}
