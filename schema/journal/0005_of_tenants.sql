-- What is asked over all bots of a tenant: round trips and fills by time, warnings, and what trades come to by day. Days are of the trades'
-- own market (UTC); their sums stay when a bot's oldest trades go.
CREATE INDEX bot_trade_of_tenant ON bot_trade (tenant_id, exit_ns, bot_id, n);
CREATE INDEX bot_fill_of_tenant ON bot_fill (tenant_id, time_ns, bot_id, n);
CREATE INDEX bot_log_warning ON bot_log (tenant_id, time_ns, bot_id, n) WHERE level >= 2;

-- profit and loss (positive) are sums of trades that won and of the others, net of their fees; best and worst of one trade.
CREATE TABLE trade_day (
  tenant_id INTEGER NOT NULL,
  bot_id    INTEGER NOT NULL,
  series_id INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  day       INTEGER NOT NULL,
  trades    INTEGER NOT NULL,
  wins      INTEGER NOT NULL,
  profit    INTEGER NOT NULL,
  loss      INTEGER NOT NULL,
  fees      INTEGER NOT NULL,
  best      INTEGER NOT NULL,
  worst     INTEGER NOT NULL,
  held_ms   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, bot_id, series_id, direction, day)
) STRICT, WITHOUT ROWID;
INSERT INTO trade_day SELECT tenant_id, bot_id, series_id, direction, exit_ns / 86400000000000, count(*), sum(pnl > 0), sum(max(pnl, 0)), sum(max(-pnl, 0)), sum(fees),
  max(pnl), min(pnl), sum((exit_ns - entry_ns) / 1000000) FROM bot_trade GROUP BY 1, 2, 3, 4, 5;
