-- Decisions of one kind, newest first: a denial among a million orders is found without walking past them. What nearly every instant has
-- (3 commands, 5 state, 15 clock, 17 tick: bot/record.h) is left out, so that an order is no dearer to write. Compared one by one: for
-- NOT IN, SQLite makes a table anew with every record, which costs 8 us.
CREATE INDEX record_of_kind ON record (bot_id, kind, time_ns) WHERE kind <> 3 AND kind <> 5 AND kind <> 15 AND kind <> 17;
