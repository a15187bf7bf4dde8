-- Replays of bots' runs that somebody asked for, and their results as JSON; and what the nightly check of each bot came to.
CREATE TABLE replays (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  bot_id      INTEGER NOT NULL,
  user_id     INTEGER NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('replay', 'what_if', 'parity')),
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  created_ns  INTEGER NOT NULL,
  started_ns  INTEGER,
  finished_ns INTEGER,
  request     TEXT NOT NULL,
  error       TEXT,
  result      TEXT
) STRICT;
CREATE INDEX replays_by_bot ON replays (bot_id, id);
CREATE INDEX replays_unfinished ON replays (id) WHERE state IN ('queued', 'running');

CREATE TABLE parity (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  bot_id    INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  made_ns   INTEGER NOT NULL,
  verdict   TEXT NOT NULL CHECK (verdict IN ('certified', 'explained', 'broken', 'unchecked')),
  body      TEXT NOT NULL
) STRICT;
CREATE INDEX parity_by_bot ON parity (bot_id, id);
