-- A search for parameters is worked on, kept and counted as a backtest is; its kind says which it is.
ALTER TABLE backtests ADD COLUMN kind TEXT NOT NULL DEFAULT 'backtest' CHECK (kind IN ('backtest', 'optimize'));
