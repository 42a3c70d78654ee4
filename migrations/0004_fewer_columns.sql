-- Events again, in fewer columns: what a merge costs is rows times columns, and a column of words costs as much when all
-- rows say the same. So words that go together are one: sender (what the envelope says), phone (what changes with the
-- device) and said (what the alarm says and means). Their parts have a 0x1f between them; in a part 0x1e stands as 0x1e
-- and "e", 0x1f as 0x1e and "f". Each part has its old name and type as an ALIAS: it is computed from the different words
-- of a block, not from its rows.
--
-- form gives raw back: the record with {name} in the place of what the columns hold, see package store, form.go. Where a
-- row has a form, raw is empty. claimed is empty or a pattern, such as %b %d %Y %H:%i:%S.%f UTC, where time gives it back.
--
-- Rows of before are copied; their raw stays as it is. The step may be done again: a name means the same in both tables.
DROP TABLE IF EXISTS events_next SYNC;
CREATE TABLE events_next
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
    sender      LowCardinality(String) CODEC(ZSTD(1)),
    phone       LowCardinality(String) CODEC(ZSTD(1)),
    said        LowCardinality(String) CODEC(ZSTD(1)),
    claimed     String CODEC(ZSTD(1)),
    lag         Int64 CODEC(T64, ZSTD(1)),
    agent_seq   Nullable(UInt32) CODEC(T64('bit'), ZSTD(1)),
    part        String CODEC(ZSTD(1)),
    tags        Map(String, String) CODEC(ZSTD(1)),
    raw         String CODEC(ZSTD(1)),
    range_end   UInt64 CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS time + toIntervalMillisecond(lag),
    time_source LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 1), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    clock       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 2), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    source      LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 3), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    host        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 4), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    process     LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 5), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    pri         Nullable(UInt8) ALIAS toUInt8OrNull(substringIndex(substringIndex(sender, '\x1f', 6), '\x1f', -1)),
    truncated   Bool ALIAS substringIndex(substringIndex(sender, '\x1f', 7), '\x1f', -1) = '1',
    spool       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(sender, '\x1f', 8), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    mac         LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(phone, '\x1f', 1), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    ipv6        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(phone, '\x1f', 2), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    protocol    LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(phone, '\x1f', 3), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    description LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(phone, '\x1f', 4), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    device_type Nullable(UInt32) ALIAS toUInt32OrNull(substringIndex(substringIndex(phone, '\x1f', 5), '\x1f', -1)),
    model       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(phone, '\x1f', 6), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    facility    LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 1), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    severity    UInt8 ALIAS toUInt8OrZero(substringIndex(substringIndex(said, '\x1f', 2), '\x1f', -1)),
    signal      LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 3), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    state       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 4), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    call_state  LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 5), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    text        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 6), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    role        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 7), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    expected    Bool ALIAS substringIndex(substringIndex(said, '\x1f', 8), '\x1f', -1) = '1',
    reason_name LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 9), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    cause       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 10), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    form        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 11), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    INDEX given given_id TYPE bloom_filter GRANULARITY 4,
    INDEX written range_end TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
PRIMARY KEY (cluster, device, toDateTime(time))
ORDER BY (cluster, device, toDateTime(time), alarm, node, app_id, ip, ifNull(toInt64(reason), -1), ifNull(toInt64(seq), -1), given_id)
TTL toDateTime(time + toIntervalMillisecond(lag)) + toIntervalSecond(34560000)
SETTINGS min_bytes_for_wide_part = 67108864, non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
INSERT INTO events_next (cluster, device, time, alarm, node, app_id, ip, reason, seq, given_id, sender, phone, said, claimed, lag, agent_seq, part, tags, raw, range_end)
SELECT cluster, device, time, alarm, node, app_id, ip, reason, seq, given_id,
    arrayStringConcat(arrayMap(v -> replaceAll(replaceAll(v, '\x1e', '\x1ee'), '\x1f', '\x1ef'), [time_source, clock, source, host, process, ifNull(toString(pri), ''), if(truncated, '1', ''), spool]), '\x1f'),
    arrayStringConcat(arrayMap(v -> replaceAll(replaceAll(v, '\x1e', '\x1ee'), '\x1f', '\x1ef'), [mac, ipv6, protocol, description, ifNull(toString(device_type), ''), model]), '\x1f'),
    arrayStringConcat(arrayMap(v -> replaceAll(replaceAll(v, '\x1e', '\x1ee'), '\x1f', '\x1ef'), [facility, toString(severity), signal, state, call_state, text, role, if(expected, '1', ''), reason_name, cause, '']), '\x1f'),
    claimed, lag, agent_seq, part, CAST(tags, 'Map(String, String)'), raw, range_end
FROM events
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES events AND events_next;
DROP TABLE events_next SYNC;
