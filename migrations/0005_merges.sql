-- Merges of events cost the engine more than their insertion: a row is written again each time. With a larger base parts wait
-- until more of them are there, and are written again less often; there are more parts at a time, and parts that have become old
-- are merged as before.
ALTER TABLE events MODIFY SETTING merge_selector_base = 16;
