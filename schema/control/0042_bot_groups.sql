-- One bot on several accounts: for each account a bot of its own, with its own script state, orders and money, and a name for all of them
-- together, which is the id of the first.
CREATE TABLE bot_groups (
  bot_id   INTEGER PRIMARY KEY REFERENCES bots (id) ON DELETE CASCADE,
  group_id INTEGER NOT NULL
) STRICT;
CREATE INDEX bot_groups_by_group ON bot_groups (group_id, bot_id);
