-- What the senders and the processes of nodes sent on each day (UTC, by the time of the events), summed up once a day is over and somebody
-- asks: see package store, days.go. A row of days is written last, and says of which stretches of which queues the sums hold; events that
-- were committed later have the day summed up again, and the younger rows replace the others. Rows go with the last event that is in them.
CREATE TABLE IF NOT EXISTS days
(
    day  Date,
    upto Map(String, UInt64),
    last DateTime64(3, 'UTC'),
    at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY day
TTL toDateTime(last) + toIntervalSecond(34560000);

-- Of lags, made and came there are twenty values of a day, or all where they are fewer: they stand for messages that say when they were made.
CREATE TABLE IF NOT EXISTS day_senders
(
    day            Date,
    source         LowCardinality(String),
    cluster        LowCardinality(String),
    node           LowCardinality(String),
    messages       UInt64,
    first          DateTime64(3, 'UTC'),
    last           DateTime64(3, 'UTC'),
    endpoint       UInt64,
    last_endpoint  DateTime64(3, 'UTC'),
    up             UInt64,
    down           UInt64,
    unsynchronised UInt64,
    severities     Array(UInt8),
    alarms         Map(String, UInt64),
    timed          UInt64,
    lags           Array(Float64) CODEC(ZSTD(1)),
    made           Array(Float64) CODEC(ZSTD(1)),
    came           Array(Float64) CODEC(ZSTD(1)),
    at             DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (day, source, cluster, node)
TTL toDateTime(last) + toIntervalSecond(34560000);

CREATE TABLE IF NOT EXISTS day_numbers
(
    day       Date,
    cluster   LowCardinality(String),
    node      LowCardinality(String),
    process   LowCardinality(String),
    runs      UInt64,
    first_run Array(Int64),
    last_run  Array(Int64),
    missing   UInt64,
    gaps      UInt64,
    last      DateTime64(3, 'UTC'),
    at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (day, cluster, node, process)
TTL toDateTime(last) + toIntervalSecond(34560000);
