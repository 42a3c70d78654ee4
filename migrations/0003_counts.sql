-- What became of the messages of each stretch of a spool. A row is written last, after the rows it counts, so it
-- is also the mark that the stretch is committed. A stretch written again from the same start replaces it.
CREATE TABLE IF NOT EXISTS counts
(
    spool        LowCardinality(String) CODEC(ZSTD(1)),
    first        UInt64 CODEC(Delta, ZSTD(1)),
    next         UInt64 CODEC(Delta, ZSTD(1)),
    received     UInt64 CODEC(T64, ZSTD(1)),
    stored       UInt64 CODEC(T64, ZSTD(1)),
    duplicate    UInt64 CODEC(T64, ZSTD(1)),
    unparsed     UInt64 CODEC(T64, ZSTD(1)),
    other        UInt64 CODEC(T64, ZSTD(1)),
    dropped      UInt64 CODEC(T64, ZSTD(1)),
    received_min DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_max DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    committed_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (spool, first)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Messages that were taken in and lost before they had a place in the spool. The token makes a report that is
-- sent twice count once.
CREATE TABLE IF NOT EXISTS drops
(
    spool  LowCardinality(String) CODEC(ZSTD(1)),
    token  String,
    reason LowCardinality(String) CODEC(ZSTD(1)),
    n      UInt64,
    at     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (spool, token, reason)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
