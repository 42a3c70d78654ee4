-- Events: one row for each alarm, whatever number of copies of it arrived.
--
-- The sorting key is the identity of an event (package event, Identify): rows with equal ids always have equal
-- keys, and rows with different ids have different keys. So copies collapse when parts merge, and FINAL shows
-- one of them before that. The 16 bytes of the id itself are kept (given_id) only where the other columns do
-- not give it back: rows without a time of their own or without a sequence number.
--
-- lag is received_at - time in milliseconds: small numbers in place of a second clock.
-- spool and range_end say which stretch of which queue wrote the row: see package store, duplicates.go.
CREATE TABLE IF NOT EXISTS events
(
    cluster     LowCardinality(String) CODEC(ZSTD(1)),
    device      LowCardinality(String) CODEC(ZSTD(1)),
    time        DateTime64(3, 'UTC') CODEC(T64('bit'), ZSTD(1)),
    alarm       LowCardinality(String) CODEC(ZSTD(1)),
    node        LowCardinality(String) CODEC(ZSTD(1)),
    app_id      LowCardinality(String) CODEC(ZSTD(1)),
    ip          LowCardinality(String) CODEC(ZSTD(1)),
    reason      Nullable(UInt32) CODEC(T64, ZSTD(1)),
    seq         Nullable(UInt32) CODEC(T64('bit'), ZSTD(1)),
    given_id    String CODEC(ZSTD(1)),

    time_source LowCardinality(String) CODEC(ZSTD(1)),
    claimed     String CODEC(ZSTD(1)),
    clock       LowCardinality(String) CODEC(ZSTD(1)),
    lag         Int64 CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS time + toIntervalMillisecond(lag),
    source      LowCardinality(String) CODEC(ZSTD(1)),
    host        LowCardinality(String) CODEC(ZSTD(1)),
    process     LowCardinality(String) CODEC(ZSTD(1)),
    pri         Nullable(UInt8),
    agent_seq   Nullable(UInt32) CODEC(T64('bit'), ZSTD(1)),
    facility    LowCardinality(String) CODEC(ZSTD(1)),
    severity    UInt8,

    mac         LowCardinality(String) CODEC(ZSTD(1)),
    ipv6        LowCardinality(String) CODEC(ZSTD(1)),
    protocol    LowCardinality(String) CODEC(ZSTD(1)),
    description LowCardinality(String) CODEC(ZSTD(1)),
    device_type Nullable(UInt32) CODEC(T64, ZSTD(1)),
    model       LowCardinality(String) CODEC(ZSTD(1)),
    signal      LowCardinality(String) CODEC(ZSTD(1)),
    state       LowCardinality(String) CODEC(ZSTD(1)),
    call_state  LowCardinality(String) CODEC(ZSTD(1)),
    part        String CODEC(ZSTD(1)),
    text        LowCardinality(String) CODEC(ZSTD(1)),
    truncated   Bool,
    tags        Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    raw         String CODEC(ZSTD(1)),

    role        LowCardinality(String) CODEC(ZSTD(1)),
    expected    Bool,
    reason_name LowCardinality(String) CODEC(ZSTD(1)),
    cause       LowCardinality(String) CODEC(ZSTD(1)),

    spool       LowCardinality(String) CODEC(ZSTD(1)),
    range_end   UInt64 CODEC(Delta, ZSTD(1)),

    INDEX given given_id TYPE bloom_filter GRANULARITY 4,
    INDEX written range_end TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
PRIMARY KEY (cluster, device, toDateTime(time))
ORDER BY (cluster, device, toDateTime(time), alarm, node, app_id, ip, ifNull(toInt64(reason), -1), ifNull(toInt64(seq), -1), given_id)
TTL toDateTime(time + toIntervalMillisecond(lag)) + toIntervalSecond(34560000)
SETTINGS min_bytes_for_wide_part = 67108864, non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
