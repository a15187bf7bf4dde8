-- The most that a bot of a trial has been worth since it took the version, from which a fall is measured: known over a restart too.
ALTER TABLE canary_bots ADD COLUMN peak_e8 INTEGER NOT NULL DEFAULT 0;
UPDATE canary_bots SET peak_e8 = equity_e8;
