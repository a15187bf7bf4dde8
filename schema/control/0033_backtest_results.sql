-- How large results are, beside them: a tenant's are kept up to a number and a size, and adding them up must not read them.
CREATE TABLE backtest_results (
  backtest_id INTEGER PRIMARY KEY REFERENCES backtests (id) ON DELETE CASCADE,
  tenant_id   INTEGER NOT NULL,
  bytes       INTEGER NOT NULL
) STRICT;
CREATE INDEX backtest_results_by_tenant ON backtest_results (tenant_id, backtest_id);
INSERT INTO backtest_results (backtest_id, tenant_id, bytes)
  SELECT id, tenant_id, length(CAST(result AS BLOB)) FROM backtests WHERE result IS NOT NULL;
