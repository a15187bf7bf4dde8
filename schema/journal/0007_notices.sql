-- What bots' owners are to be told (notice/event.h), written with what it tells of; the courier takes each to control.db, once, and drops it here.
CREATE TABLE notice_events (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  bot_id      INTEGER NOT NULL,
  event       TEXT NOT NULL,
  data        TEXT NOT NULL,              -- JSON object
  created_ns  INTEGER NOT NULL            -- wall clock
) STRICT;
