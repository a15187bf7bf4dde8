-- What a bot's books had come to by its records up to last_id: a start begins there and reads the records since. Two of each bot, written in turn, so
-- that one of them is no newer than the rows that follow from the journal (`followed`). Nothing is lost with them: without one, the
-- whole run is read. Format of the body: bot/clerk_image.
CREATE TABLE bot_image (
  bot_id    INTEGER NOT NULL,
  slot      INTEGER NOT NULL CHECK (slot IN (0, 1)),
  tenant_id INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  last_id   INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  body      BLOB NOT NULL,
  PRIMARY KEY (bot_id, slot)
) STRICT;
