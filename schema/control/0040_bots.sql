-- Bots as their owners set them up and want them, and how they fare. Requests change what is wanted; the runtime acts on it and
-- writes the state it reached back. What a bot decided and traded is in journal.db.
CREATE TABLE bots (
  id               INTEGER PRIMARY KEY,
  tenant_id        INTEGER NOT NULL REFERENCES tenants (id),
  name             TEXT NOT NULL,
  account_id       INTEGER NOT NULL REFERENCES accounts (id),
  script_id        INTEGER NOT NULL,
  version          INTEGER,                   -- null: whichever is active
  previous_version INTEGER,                   -- before the last reload; null: none
  shadow_version   INTEGER,                   -- runs beside it and trades nothing; null: none
  venue            TEXT NOT NULL,             -- of its prices; empty: any that has the symbol
  symbol           TEXT NOT NULL,
  timeframe        TEXT NOT NULL,
  pairs            TEXT NOT NULL,             -- JSON list of all symbols it reads or trades: what the plan counts
  params           TEXT NOT NULL,             -- JSON object, as given; the rest are the script's defaults
  settings         TEXT NOT NULL,             -- JSON object: the bot's own limits
  seed             INTEGER NOT NULL,
  wanted           TEXT NOT NULL CHECK (wanted IN ('running', 'paused', 'stopped')),
  close            INTEGER NOT NULL DEFAULT 0,  -- the stop that is wanted closes positions too
  generation       INTEGER NOT NULL DEFAULT 0,  -- goes up when it is to be opened anew though nothing else changed
  state            TEXT NOT NULL,             -- of bot/life.h
  reason_code      TEXT NOT NULL,
  reason           TEXT NOT NULL,             -- for its owner
  strikes          INTEGER NOT NULL DEFAULT 0,
  retries          INTEGER NOT NULL DEFAULT 0,
  since_ns         INTEGER NOT NULL,          -- when the state began
  retry_at_ns      INTEGER,
  created_ns       INTEGER NOT NULL,
  updated_ns       INTEGER NOT NULL,          -- by a person
  revision         INTEGER NOT NULL DEFAULT 1,
  deleted_ns       INTEGER
) STRICT;
CREATE INDEX bots_by_tenant ON bots (tenant_id, id);
CREATE INDEX bots_by_script ON bots (script_id) WHERE deleted_ns IS NULL;
CREATE INDEX bots_by_account ON bots (account_id) WHERE deleted_ns IS NULL;
CREATE INDEX bots_at_work ON bots (id) WHERE deleted_ns IS NULL AND (wanted <> 'stopped' OR state <> 'stopped');
CREATE INDEX bots_by_state ON bots (state, id) WHERE deleted_ns IS NULL;

-- Each time that one failed, newest 100 of a bot.
CREATE TABLE bot_failures (
  id      INTEGER PRIMARY KEY,
  bot_id  INTEGER NOT NULL REFERENCES bots (id) ON DELETE CASCADE,
  at_ns   INTEGER NOT NULL,
  what    TEXT NOT NULL,                      -- event of bot/life.h
  version INTEGER,
  strikes INTEGER NOT NULL,                   -- with this one
  retries INTEGER NOT NULL,
  detail  TEXT NOT NULL                       -- what was said: file:line: …
) STRICT;
CREATE INDEX bot_failures_by_bot ON bot_failures (bot_id, id);

-- What a paper account is made of; '{}' for accounts at venues.
ALTER TABLE accounts ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
