-- Signals whose delivery is kept no more, as a hook keeps so many rows: for a day the same signal is still a duplicate.
CREATE TABLE hook_seen (
  hook_id  INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
  dedupe   TEXT NOT NULL,                       -- of the delivery
  id       INTEGER NOT NULL,                    -- of the delivery: when it came
  PRIMARY KEY (hook_id, dedupe)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_seen_by_age ON hook_seen (hook_id, id);
