-- Lines that were not understood, and rows that ClickHouse refused, each with the reason.
CREATE TABLE IF NOT EXISTS unparsed
(
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    id          FixedString(16),
    source      LowCardinality(String) CODEC(ZSTD(1)),
    error       LowCardinality(String) CODEC(ZSTD(1)),
    position    Int64 CODEC(T64, ZSTD(1)),
    raw         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (received_at, id)
TTL toDateTime(received_at) + toIntervalSecond(34560000)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Lines that were understood and are no CUCM alarm: the operating system's, sibling products'. Kept for a week.
CREATE TABLE IF NOT EXISTS other
(
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    id          FixedString(16),
    source      LowCardinality(String) CODEC(ZSTD(1)),
    host        LowCardinality(String) CODEC(ZSTD(1)),
    program     LowCardinality(String) CODEC(ZSTD(1)),
    raw         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received_at)
ORDER BY (received_at, id)
TTL toDateTime(received_at) + toIntervalDay(7)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;
