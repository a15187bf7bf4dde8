-- What the rules of an account remember (the day's start, the high-water mark, what was reached) after the last instant of one of its
-- bots: written with that instant, so that a restart finds what was decided by.
CREATE TABLE account_rules (
  account_id INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  name       TEXT NOT NULL,                   -- of the rule set
  rules      TEXT NOT NULL,                   -- its JSON, as it was applied
  time_ns    INTEGER NOT NULL,                -- the instant
  state      BLOB NOT NULL                    -- risk/rule_set.h
) STRICT;
