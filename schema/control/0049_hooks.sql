-- Signals from outside: hooks that others post to, what was posted, the stages of rules it passes, the bots that hear of it.
CREATE TABLE hooks (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  name        TEXT NOT NULL,
  token_hash  BLOB NOT NULL UNIQUE,             -- SHA-256 of the token in the address
  enabled     INTEGER NOT NULL DEFAULT 1,
  shared      INTEGER NOT NULL DEFAULT 0,       -- bots of other tenants may listen
  settings    TEXT NOT NULL,                    -- JSON object: who may post, how it is read, stages, fan-out
  sign_key    BLOB,                             -- sealed; null: senders do not sign
  created_ns  INTEGER NOT NULL,
  updated_ns  INTEGER NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX hooks_by_tenant ON hooks (tenant_id, id);

CREATE TABLE hook_bots (
  hook_id  INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
  bot_id   INTEGER NOT NULL REFERENCES bots (id) ON DELETE CASCADE,
  PRIMARY KEY (hook_id, bot_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_bots_by_bot ON hook_bots (bot_id);

-- A row is the acceptance; what the rules said, and the signals to bots, come with one write afterwards.
CREATE TABLE hook_deliveries (
  id           INTEGER PRIMARY KEY,
  hook_id      INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
  received_ns  INTEGER NOT NULL,
  expires_ns   INTEGER NOT NULL,                -- not acted upon later
  state        TEXT NOT NULL CHECK (state IN ('accepted', 'delivered', 'rejected', 'refused', 'duplicate', 'failed')),
  reason       TEXT NOT NULL DEFAULT '',        -- of a state that is none to be glad of
  dedupe       TEXT,                            -- what other deliveries of the same signal have too; null: nothing
  address      TEXT NOT NULL,                   -- of the sender
  body         TEXT NOT NULL,                   -- as it was posted, cut when it was refused
  signal       TEXT NOT NULL,                   -- JSON: as it was read; as the rules left it
  log          TEXT NOT NULL DEFAULT '[]',      -- JSON: what each stage said
  bots         INTEGER NOT NULL DEFAULT 0,      -- that it went to
  done_ns      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX hook_deliveries_once ON hook_deliveries (hook_id, dedupe) WHERE dedupe IS NOT NULL;
CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook_id, id);
CREATE INDEX hook_deliveries_open ON hook_deliveries (id) WHERE state = 'accepted';

-- Stages that all hooks of a tenant have before their own; tenant 0: of the installation.
CREATE TABLE signal_stages (
  tenant_id  INTEGER PRIMARY KEY,
  stages     TEXT NOT NULL,                     -- JSON list
  revision   INTEGER NOT NULL DEFAULT 1,
  updated_ns INTEGER NOT NULL
) STRICT;

-- Which delivery a bot's signal came from; null: it was sent to the bot itself.
ALTER TABLE bot_signals ADD COLUMN delivery_id INTEGER;
CREATE INDEX bot_signals_by_delivery ON bot_signals (delivery_id) WHERE delivery_id IS NOT NULL;
