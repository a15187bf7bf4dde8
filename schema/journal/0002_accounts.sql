-- Money of paper accounts in double entry (order/account_book): what was paid in and what bots' finished runs won or lost, on one side; what
-- is free and what runs have that are open, on the other. Each entry balances, so the books do. An entry of a run is written with the
-- run's first or last record: neither exists without the other.
CREATE TABLE account_entry (
  id         INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL,
  tenant_id  INTEGER NOT NULL,
  kind       INTEGER NOT NULL,              -- enum account_move
  bot_id     INTEGER NOT NULL,              -- 0: of no run
  run        INTEGER NOT NULL,
  paid_in    INTEGER NOT NULL,              -- changes, in units of 1e-8
  result     INTEGER NOT NULL,
  free       INTEGER NOT NULL,
  allotted   INTEGER NOT NULL,
  balance    INTEGER NOT NULL,              -- paid in and won, after it
  clock_ns   INTEGER NOT NULL,
  request    TEXT NOT NULL,                 -- whose doing is told only once; '': not asked for by a request with a key
  CHECK (paid_in + result = free + allotted)
) STRICT;
CREATE INDEX account_entry_by_account ON account_entry (account_id, id);
CREATE UNIQUE INDEX account_entry_of_run ON account_entry (bot_id, run, kind) WHERE run > 0;
CREATE UNIQUE INDEX account_entry_request ON account_entry (account_id, request) WHERE request <> '';

-- Sums of the entries.
CREATE TABLE account_book (
  account_id INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  paid_in    INTEGER NOT NULL,
  result     INTEGER NOT NULL,
  free       INTEGER NOT NULL,
  allotted   INTEGER NOT NULL,
  CHECK (paid_in + result = free + allotted)
) STRICT;

-- What open runs were given.
CREATE TABLE account_share (
  account_id INTEGER NOT NULL,
  bot_id     INTEGER NOT NULL,
  run        INTEGER NOT NULL,
  amount     INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (account_id, bot_id, run)
) STRICT, WITHOUT ROWID;
