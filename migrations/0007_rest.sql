-- Events again, in fewer columns still. What was nearly always empty (the time as sent, the number of a relay, the record without a form,
-- tags) is one column, rest: empty, or these in this order, packed as the words are, where the tags are a key and a value each. In it
-- the usual time as sent is empty, and one that is absent is %%. alarm, node, app_id and reason are one word, origin; part is the last of
-- said. seq is number, -1 where there is none, and decides early in the key, so that a merge hardly looks at what follows: only
-- copies have the same. Each has its old name and type as an ALIAS.
--
-- Rows of before are copied. The step may be done again: a name means the same in both tables, and of said the first eleven values are
-- taken. No row is too old for the new table: how long rows are kept is set afterwards (package store, retention.go).
DROP TABLE IF EXISTS events_next SYNC;
CREATE TABLE events_next
(
    cluster     LowCardinality(String) CODEC(ZSTD(1)),
    device      String CODEC(ZSTD(1)),
    time        DateTime64(3, 'UTC') CODEC(T64('bit'), ZSTD(1)),
    number      Int64 CODEC(T64('bit'), ZSTD(1)),
    origin      LowCardinality(String) CODEC(ZSTD(1)),
    ip          LowCardinality(String) CODEC(ZSTD(1)),
    given_id    String CODEC(ZSTD(1)),
    sender      LowCardinality(String) CODEC(ZSTD(1)),
    phone       LowCardinality(String) CODEC(ZSTD(1)),
    said        LowCardinality(String) CODEC(ZSTD(1)),
    lag         Int64 CODEC(T64, ZSTD(1)),
    rest        String CODEC(ZSTD(1)),
    range_end   UInt64 CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') ALIAS time + toIntervalMillisecond(lag),
    seq         Nullable(UInt32) ALIAS if(number < 0, NULL, toUInt32(number)),
    alarm       LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(origin, '\x1f', 1), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    node        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(origin, '\x1f', 2), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    app_id      LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(origin, '\x1f', 3), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    reason      Nullable(UInt32) ALIAS toUInt32OrNull(substringIndex(substringIndex(origin, '\x1f', 4), '\x1f', -1)),
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
    part        LowCardinality(String) ALIAS replaceAll(replaceAll(substringIndex(substringIndex(said, '\x1f', 12), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e'),
    claimed     String ALIAS multiIf(substringIndex(substringIndex(rest, '\x1f', 1), '\x1f', -1) = '', '%b %d %Y %H:%i:%S.%f UTC', substringIndex(substringIndex(rest, '\x1f', 1), '\x1f', -1) = '%%', '', replaceAll(replaceAll(substringIndex(substringIndex(rest, '\x1f', 1), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e')),
    agent_seq   Nullable(UInt32) ALIAS if(rest = '', NULL, toUInt32OrNull(substringIndex(substringIndex(rest, '\x1f', 2), '\x1f', -1))),
    raw         String ALIAS if(rest = '', '', replaceAll(replaceAll(substringIndex(substringIndex(rest, '\x1f', 3), '\x1f', -1), '\x1ef', '\x1f'), '\x1ee', '\x1e')),
    tags        Map(String, String) ALIAS CAST((arrayFilter((v, i) -> i > 3 AND i % 2 = 0, arrayMap(v -> replaceAll(replaceAll(v, '\x1ef', '\x1f'), '\x1ee', '\x1e'), splitByChar('\x1f', rest)), arrayEnumerate(splitByChar('\x1f', rest))), arrayFilter((v, i) -> i > 3 AND i % 2 = 1, arrayMap(v -> replaceAll(replaceAll(v, '\x1ef', '\x1f'), '\x1ee', '\x1e'), splitByChar('\x1f', rest)), arrayEnumerate(splitByChar('\x1f', rest)))), 'Map(String, String)'),
    INDEX given given_id TYPE bloom_filter GRANULARITY 4,
    INDEX written range_end TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
PRIMARY KEY (cluster, device, toDateTime(time))
ORDER BY (cluster, device, toDateTime(time), number, origin, ip, given_id)
TTL toDateTime(time + toIntervalMillisecond(lag)) + toIntervalSecond(1576800000)
SETTINGS min_bytes_for_wide_part = 67108864, merge_selector_base = 16, non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
INSERT INTO events_next (cluster, device, time, number, origin, ip, given_id, sender, phone, said, lag, rest, range_end)
SELECT cluster, device, time, ifNull(toInt64(seq), -1),
    arrayStringConcat(arrayMap(v -> replaceAll(replaceAll(v, '\x1e', '\x1ee'), '\x1f', '\x1ef'), [alarm, node, app_id, ifNull(toString(reason), '')]), '\x1f'),
    ip, given_id, sender, phone,
    concat(arrayStringConcat(arrayResize(splitByChar('\x1f', said), 11, ''), '\x1f'), '\x1f', replaceAll(replaceAll(part, '\x1e', '\x1ee'), '\x1f', '\x1ef')),
    lag,
    if(claimed = '%b %d %Y %H:%i:%S.%f UTC' AND isNull(agent_seq) AND raw = '' AND empty(tags), '',
        arrayStringConcat(arrayMap(v -> replaceAll(replaceAll(v, '\x1e', '\x1ee'), '\x1f', '\x1ef'),
            arrayConcat([multiIf(claimed = '%b %d %Y %H:%i:%S.%f UTC', '', claimed = '', '%%', claimed), ifNull(toString(agent_seq), ''), raw],
                arrayFlatten(arrayMap((k, v) -> [k, v], mapKeys(tags), mapValues(tags))))), '\x1f')),
    range_end
FROM events
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES events AND events_next;
DROP TABLE events_next SYNC;
