-- What versions beside the ones that trade would have done: bot/live_shadow. A row per bot whose bots.shadow_version it is.
CREATE TABLE bot_shadows (
  bot_id     INTEGER PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  began_ns   INTEGER NOT NULL,        -- counted from then on
  starts     INTEGER NOT NULL,        -- times that it took the live version's state, orders and account
  started_ns INTEGER NOT NULL,        -- the last of them
  instants   INTEGER NOT NULL,
  same       INTEGER NOT NULL,
  different  INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  ended      INTEGER NOT NULL CHECK (ended IN (0, 1)),
  why        TEXT NOT NULL            -- of its end, or of the last error
) STRICT;

-- The newest differences: a place is used again.
CREATE TABLE bot_shadow_differences (
  bot_id  INTEGER NOT NULL REFERENCES bot_shadows (bot_id) ON DELETE CASCADE,
  place   INTEGER NOT NULL,
  number  INTEGER NOT NULL,           -- from 0
  time_ns INTEGER NOT NULL,
  live    TEXT NOT NULL,              -- lines
  shadow  TEXT NOT NULL,
  PRIMARY KEY (bot_id, place)
) STRICT, WITHOUT ROWID;
