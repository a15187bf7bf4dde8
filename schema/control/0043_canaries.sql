-- Versions that a share of the bots that follow a script try before all of them: bot/live_canary.
CREATE TABLE canaries (
  id                 INTEGER PRIMARY KEY,
  script_id          INTEGER NOT NULL REFERENCES script (id) ON DELETE CASCADE,
  tenant_id          INTEGER NOT NULL,        -- the script's; 0: the installation's
  version            INTEGER NOT NULL,        -- that is tried
  version_before     INTEGER NOT NULL,        -- that is active meanwhile
  percent            INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 99),
  errors_max         INTEGER NOT NULL,        -- more of all its bots together end it
  drawdown_e8        INTEGER NOT NULL,        -- a fall of one bot's equity by more than this share of it ends it; 0: no limit
  until_ns           INTEGER,                 -- it becomes active then; null: by hand
  state              TEXT NOT NULL CHECK (state IN ('running', 'promoted', 'rolled_back', 'replaced')),
  reason             TEXT NOT NULL,           -- of its end
  errors             INTEGER NOT NULL DEFAULT 0,
  started_ns         INTEGER NOT NULL,
  ended_ns           INTEGER
) STRICT;
CREATE UNIQUE INDEX canaries_running ON canaries (script_id) WHERE state = 'running';
CREATE INDEX canaries_by_script ON canaries (script_id, id);

-- Its bots, and what each was worth when it took the version.
CREATE TABLE canary_bots (
  canary_id INTEGER NOT NULL REFERENCES canaries (id) ON DELETE CASCADE,
  bot_id    INTEGER NOT NULL,
  equity_e8 INTEGER NOT NULL,
  PRIMARY KEY (canary_id, bot_id)
) STRICT, WITHOUT ROWID;
