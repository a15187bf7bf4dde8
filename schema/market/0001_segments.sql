-- Market history. A market is one venue's bars of one symbol at one timeframe; its bars lie in packed segments, one per span of
-- 2,048 timeframes counted from 1970, each in units of its own (market/segment.h). A market's tick and volume_scale are the
-- finest that any import had.
CREATE TABLE markets (
  id              INTEGER PRIMARY KEY,
  venue           TEXT NOT NULL,
  symbol          TEXT NOT NULL,
  timeframe_ns    INTEGER NOT NULL CHECK (timeframe_ns > 0),
  tick_digits     INTEGER NOT NULL CHECK (tick_digits > 0),
  tick_scale      INTEGER NOT NULL,
  lot_digits      INTEGER NOT NULL CHECK (lot_digits > 0),
  lot_scale       INTEGER NOT NULL,
  mult_digits     INTEGER NOT NULL CHECK (mult_digits > 0),
  mult_scale      INTEGER NOT NULL,
  min_notional_e8 INTEGER NOT NULL,
  volume_scale    INTEGER NOT NULL,
  price_scale     INTEGER NOT NULL,
  bars            INTEGER NOT NULL,
  first_ns        INTEGER NOT NULL,
  last_ns         INTEGER NOT NULL,
  updated_ns      INTEGER NOT NULL,
  UNIQUE (symbol, venue, timeframe_ns)
) STRICT;

CREATE TABLE segments (
  id        INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL REFERENCES markets (id) ON DELETE CASCADE,
  span      INTEGER NOT NULL,
  bars      INTEGER NOT NULL,
  first_ns  INTEGER NOT NULL,
  last_ns   INTEGER NOT NULL,
  body      BLOB NOT NULL,
  UNIQUE (market_id, span)
) STRICT;
