-- Calls that are not over for us are looked after; there are few of them.
CREATE INDEX calls_open ON calls (call_id) WHERE outcome IS NULL;
