-- Signals sent to bots: accepted with their row, delivered in the order of their ids. Of each bot the newest are kept.
CREATE TABLE bot_signals (
  id           INTEGER PRIMARY KEY,
  bot_id       INTEGER NOT NULL REFERENCES bots (id) ON DELETE CASCADE,
  received_ns  INTEGER NOT NULL,               -- by the clock
  expires_ns   INTEGER NOT NULL,               -- by the clock: not delivered later
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'expired')),
  delivered_ns INTEGER NOT NULL DEFAULT 0,     -- by its venue's time: of the instant; 0: not
  body         TEXT NOT NULL                   -- JSON as it was sent
) STRICT;
CREATE INDEX bot_signals_by_bot ON bot_signals (bot_id, id);
