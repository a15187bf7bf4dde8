-- The few figures of a backtest that lists show, as JSON. They stay when the result itself is dropped for want of room.
ALTER TABLE backtests ADD COLUMN summary TEXT;
