package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"time"
	"unsafe"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/zeebo/xxh3"

	"flapwatch/event"
)

// target is a block on its way into a table.
type target struct {
	table   string
	block   block
	ids     []event.ID // of the block's rows
	attempt string     // spool, stretch and batch
	proof   *proof     // of the table
	doubted bool       // an error that is not known may be the rows' fault
}

// insertDeadline bounds one INSERT: an engine that hangs must not stop the pipeline from trying again.
const insertDeadline = time.Minute

// insert writes the chosen rows. Those that ClickHouse refuses while it takes others are given back with its reason (refusal.go); the
// others are written. An error wraps event.ErrUnavailable when ClickHouse did not answer or says that it may be otherwise later.
func (s *Store) insert(ctx context.Context, into target, rows []int32) (map[int32]error, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	t := trial{Store: s, target: into, suspects: map[int32]error{}}
	err := t.write(ctx, rows)
	if err == nil {
		err = t.judge(ctx)
	}
	if err != nil {
		return nil, written("insert into "+into.table, err)
	}
	return t.suspects, nil
}

// send is one INSERT. Over HTTP the block goes out as it lies in memory; the native protocol needs a batch of the
// driver's, which holds a copy.
func (s *Store) send(ctx context.Context, into target, rows []int32) error {
	ctx, cancel := context.WithTimeout(ctx, insertDeadline)
	defer cancel()
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token":      into.token(rows),
		"max_partitions_per_insert_block": 0, // an import may bring many months at once
		"async_insert":                    0,
		"optimize_on_insert":              0, // there are no copies in a batch
	}))
	statement := "INSERT INTO " + into.table + " (" + into.block.list() + ")"
	if len(rows) == len(into.ids) {
		rows = nil
	}
	if !s.http {
		return s.sendBatch(ctx, statement, into.block, rows)
	}
	count := len(rows)
	if rows == nil {
		count = len(into.ids)
	}
	body := into.block.native(rows, count)
	return s.conn.InsertFormat(ctx, "Native", statement, &body)
}

func (s *Store) sendBatch(ctx context.Context, statement string, columns block, rows []int32) error {
	batch, err := s.conn.PrepareBatch(ctx, statement)
	if err != nil {
		return err
	}
	defer batch.Close()
	for i, c := range columns {
		if err := batch.Column(i).Append(c.values(rows)); err != nil {
			return err
		}
	}
	return batch.Send()
}

// token names the rows of an attempt: an INSERT that arrives again with the same token is dropped by ClickHouse, so that
// one whose answer was lost can be sent again.
func (t target) token(rows []int32) string {
	h := xxh3.New()
	if len(rows) == len(t.ids) {
		h.Write(unsafe.Slice(&t.ids[0][0], len(t.ids)*len(t.ids[0])))
	} else {
		for _, row := range rows {
			h.Write(t.ids[row][:])
		}
	}
	return t.attempt + "/" + t.table + "/" + hex.EncodeToString(binary.BigEndian.AppendUint64(nil, h.Sum64()))
}
