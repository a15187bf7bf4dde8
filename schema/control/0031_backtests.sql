-- Server-side backtests: what was asked for, how far it is, and the result as JSON.
CREATE TABLE backtests (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  user_id     INTEGER NOT NULL,
  strategy_id INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  created_ns  INTEGER NOT NULL,
  started_ns  INTEGER,
  finished_ns INTEGER,
  request     TEXT NOT NULL,
  error       TEXT,
  result      TEXT
) STRICT;
CREATE INDEX backtests_by_tenant ON backtests (tenant_id, id);
CREATE INDEX backtests_unfinished ON backtests (id) WHERE state IN ('queued', 'running');
