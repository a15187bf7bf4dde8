-- What tenants subscribed to, and what they use of it.

CREATE TABLE subscription (
  tenant_id      INTEGER PRIMARY KEY,
  plan           TEXT NOT NULL,          -- id in the edition's tier script
  state          TEXT NOT NULL CHECK (state IN ('active', 'cancelled', 'past_due', 'granted')),
  since_ns       INTEGER NOT NULL,
  ends_ns        INTEGER,                -- then the default plan holds; null: until changed
  grace_until_ns INTEGER,                -- what exceeds a smaller plan goes on until then; null: no downgrade under way
  addons         TEXT NOT NULL,          -- JSON: {"bot_slot": 2}
  revision       INTEGER NOT NULL
) STRICT;

-- Every change of one, for good: revenue, churn and disputes are answered from here.
CREATE TABLE subscription_event (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  at_ns     INTEGER NOT NULL,
  what      TEXT NOT NULL,
  plan_from TEXT,
  plan_to   TEXT NOT NULL,
  addons    TEXT NOT NULL,
  actor_id  INTEGER
) STRICT;
CREATE INDEX subscription_event_by_tenant ON subscription_event (tenant_id, id);

-- An operator's exception.
CREATE TABLE plan_override (
  tenant_id  INTEGER PRIMARY KEY,
  plan       TEXT,                       -- instead of the subscription's; null: that one
  limits     TEXT NOT NULL,              -- JSON: {"bots": 10, "pairs": null}; null is unlimited
  expires_ns INTEGER,                    -- null: until taken back
  reason     TEXT NOT NULL,
  actor_id   INTEGER,
  created_ns INTEGER NOT NULL
) STRICT;

-- Counted events; the key makes counting one twice a no-op. Old ones are forgotten, the windows below are not.
CREATE TABLE usage_event (
  tenant_id INTEGER NOT NULL,
  what      TEXT NOT NULL,
  key       TEXT NOT NULL,
  at_ns     INTEGER NOT NULL,
  amount    INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (tenant_id, what, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_event_by_age ON usage_event (at_ns);

-- Sums per window: a UTC day, a UTC month, a full hour.
CREATE TABLE usage_window (
  tenant_id INTEGER NOT NULL,
  meter     TEXT NOT NULL,
  start_ns  INTEGER NOT NULL,
  used      INTEGER NOT NULL CHECK (used >= 0),
  PRIMARY KEY (tenant_id, meter, start_ns)
) STRICT, WITHOUT ROWID;

-- Things that exist now and count against a limit: a started bot, a pair of it, an account.
CREATE TABLE usage_held (
  tenant_id INTEGER NOT NULL,
  meter     TEXT NOT NULL,
  key       TEXT NOT NULL,
  since_ns  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, meter, key)
) STRICT, WITHOUT ROWID;
