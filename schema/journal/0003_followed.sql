-- How far the projections of a bot's run have come: of every instant before time_ns they have all there is, of that one perhaps. Orders,
-- fills, trades and marks are written behind the journal; what is missing after a crash is made again from there.
CREATE TABLE followed (
  bot_id  INTEGER PRIMARY KEY,
  run     INTEGER NOT NULL,
  time_ns INTEGER NOT NULL
) STRICT;
INSERT INTO followed (bot_id, run, time_ns) SELECT bot_id, run, time_ns FROM bot_state;
