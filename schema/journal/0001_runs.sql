-- What bots decided and saw, append only, and what follows from it for who looks. Everything that is the same for all rows of a
-- kind is in the code's tables: kinds and bodies of records in bot/record, enums of orders in order/order.

-- A run of a bot: its records from the first to the last. Open while last_id is null. first_id 0: its records are forgotten; the
-- row of a bot's latest run stays, so that the next has another number. opened_ns and closed_ns are the clock's.
CREATE TABLE run (
  bot_id       INTEGER NOT NULL,
  run          INTEGER NOT NULL CHECK (run > 0),
  tenant_id    INTEGER NOT NULL,
  first_id     INTEGER NOT NULL,
  last_id      INTEGER,
  opened_ns    INTEGER NOT NULL,
  closed_ns    INTEGER,
  bars_from_ns INTEGER NOT NULL,
  PRIMARY KEY (bot_id, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_unfinished ON run (first_id) WHERE last_id IS NULL;

CREATE TABLE record (
  id      INTEGER PRIMARY KEY,
  bot_id  INTEGER NOT NULL,
  run     INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  intent  INTEGER,
  body    BLOB NOT NULL
) STRICT;
-- An intent is journalled once: no order is sent twice, whoever has gone wrong.
CREATE UNIQUE INDEX record_intent ON record (bot_id, intent) WHERE intent IS NOT NULL;

-- One row: no record that was forgotten had a higher id. Ids are never used again.
CREATE TABLE forgotten (last_id INTEGER NOT NULL) STRICT;
INSERT INTO forgotten (last_id) VALUES (0);

CREATE TABLE series (
  id              INTEGER PRIMARY KEY,
  venue           TEXT NOT NULL,
  symbol          TEXT NOT NULL,
  timeframe_ns    INTEGER NOT NULL CHECK (timeframe_ns > 0),
  tick_digits     INTEGER NOT NULL,
  tick_scale      INTEGER NOT NULL,
  lot_digits      INTEGER NOT NULL,
  lot_scale       INTEGER NOT NULL,
  mult_digits     INTEGER NOT NULL,
  mult_scale      INTEGER NOT NULL,
  min_lots        INTEGER NOT NULL,
  max_lots        INTEGER NOT NULL,
  min_notional_e8 INTEGER NOT NULL,
  tick_step       INTEGER NOT NULL,
  lot_step        INTEGER NOT NULL,
  volume_scale    INTEGER NOT NULL,
  price_scale     INTEGER NOT NULL
) STRICT;
CREATE TABLE bar (
  series_id INTEGER NOT NULL REFERENCES series (id),
  open_ns   INTEGER NOT NULL,
  open      INTEGER NOT NULL,
  high      INTEGER NOT NULL,
  low       INTEGER NOT NULL,
  close     INTEGER NOT NULL,
  volume    INTEGER NOT NULL,
  flags     INTEGER NOT NULL,
  PRIMARY KEY (series_id, open_ns)
) STRICT, WITHOUT ROWID;

-- ctx.state after a bot's last instant.
CREATE TABLE bot_state (
  bot_id    INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  resumes   INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  body      BLOB NOT NULL
) STRICT;

-- Projections. n counts a bot's rows from 1, so that the oldest can go.
CREATE TABLE decision (
  bot_id    INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  record_id INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  PRIMARY KEY (bot_id, time_ns, record_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE bot_order (
  bot_id         INTEGER NOT NULL,
  intent         INTEGER NOT NULL,
  tenant_id      INTEGER NOT NULL,
  run            INTEGER NOT NULL,
  order_id       INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  series_id      INTEGER NOT NULL,
  side           INTEGER NOT NULL,
  type           INTEGER NOT NULL,
  leg            INTEGER NOT NULL,
  tif            INTEGER NOT NULL,
  status         INTEGER NOT NULL,
  reason         INTEGER NOT NULL,
  reduce         INTEGER NOT NULL,
  post           INTEGER NOT NULL,
  qty            INTEGER NOT NULL,
  filled         INTEGER NOT NULL,
  limit_price    INTEGER NOT NULL,
  trigger_price  INTEGER NOT NULL,
  sl             INTEGER NOT NULL,
  tp             INTEGER NOT NULL,
  avg_e6         INTEGER NOT NULL,
  parent         INTEGER NOT NULL,
  oco            INTEGER NOT NULL,
  decided_ns     INTEGER NOT NULL,
  updated_ns     INTEGER NOT NULL,
  ended_ns       INTEGER NOT NULL,
  tag            TEXT NOT NULL,
  PRIMARY KEY (bot_id, intent)
) STRICT, WITHOUT ROWID;
CREATE TABLE bot_fill (
  bot_id    INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  series_id INTEGER NOT NULL,
  fill_id   INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  side      INTEGER NOT NULL,
  leg       INTEGER NOT NULL,
  price     INTEGER NOT NULL,
  qty       INTEGER NOT NULL,
  fee       INTEGER NOT NULL,
  slippage  INTEGER NOT NULL,
  flags     INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  tag       TEXT NOT NULL,
  PRIMARY KEY (bot_id, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE bot_trade (
  bot_id      INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  tenant_id   INTEGER NOT NULL,
  run         INTEGER NOT NULL,
  series_id   INTEGER NOT NULL,
  direction   INTEGER NOT NULL,
  qty         INTEGER NOT NULL,
  entry_ns    INTEGER NOT NULL,
  exit_ns     INTEGER NOT NULL,
  entry_price INTEGER NOT NULL,
  exit_price  INTEGER NOT NULL,
  entry_order INTEGER NOT NULL,
  exit_order  INTEGER NOT NULL,
  position_id INTEGER NOT NULL,
  pnl         INTEGER NOT NULL,
  fees        INTEGER NOT NULL,
  mae         INTEGER NOT NULL,
  mfe         INTEGER NOT NULL,
  bars        INTEGER NOT NULL,
  flags       INTEGER NOT NULL,
  tag         TEXT NOT NULL,
  exit_tag    TEXT NOT NULL,
  PRIMARY KEY (bot_id, n)
) STRICT, WITHOUT ROWID;
-- level 0: each mark; 1: the last of each hour; 2: the last of each day. lowest and highest are of all marks it stands for.
CREATE TABLE bot_equity (
  bot_id    INTEGER NOT NULL,
  level     INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  equity    INTEGER NOT NULL,
  balance   INTEGER NOT NULL,
  lowest    INTEGER NOT NULL,
  highest   INTEGER NOT NULL,
  PRIMARY KEY (bot_id, level, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE bot_log (
  bot_id    INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  level     INTEGER NOT NULL,
  text      TEXT NOT NULL,
  PRIMARY KEY (bot_id, n)
) STRICT, WITHOUT ROWID;
