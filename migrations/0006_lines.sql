-- Lines say, as events do, which stretch of which queue wrote them, so that those left over from an interrupted commit are told from
-- those that are stored: see package store, duplicates.go. Lines of before have no queue, and count as stored.
ALTER TABLE unparsed
    ADD COLUMN IF NOT EXISTS spool LowCardinality(String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS range_end UInt64 CODEC(Delta, ZSTD(1));
ALTER TABLE other
    ADD COLUMN IF NOT EXISTS spool LowCardinality(String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS range_end UInt64 CODEC(Delta, ZSTD(1));
