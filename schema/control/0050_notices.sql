-- Notices to people and their programs: where to (channels), what is wanted (preferences), what was said (notices), one sending for each
-- notice and channel, and each attempt at it. What is secret in an address is sealed.
CREATE TABLE notice_channels (
  id               INTEGER PRIMARY KEY,
  tenant_id        INTEGER NOT NULL REFERENCES tenants (id),
  kind             TEXT NOT NULL CHECK (kind IN ('mail', 'telegram', 'discord', 'slack', 'sms', 'webhook')),
  own              INTEGER NOT NULL DEFAULT 0,    -- the owners' own mail addresses, whatever they are at the time
  name             TEXT NOT NULL,
  shown            TEXT NOT NULL,                 -- the address without what is secret in it
  address          BLOB,                          -- sealed; null: own
  sign_key         BLOB,                          -- sealed; of webhooks
  sign_key_before  BLOB,                          -- sealed; signs too until then
  before_until_ns  INTEGER NOT NULL DEFAULT 0,
  state            TEXT NOT NULL CHECK (state IN ('unverified', 'active', 'disabled')),
  reason           TEXT NOT NULL DEFAULT '',      -- why it is disabled
  code_hash        BLOB,                          -- of the code that proves it
  code_expires_ns  INTEGER NOT NULL DEFAULT 0,
  code_tries       INTEGER NOT NULL DEFAULT 0,
  failing_ns       INTEGER NOT NULL DEFAULT 0,    -- nothing has gone through since then; 0: it works
  sent_ns          INTEGER NOT NULL DEFAULT 0,    -- when something went through last
  last_error       TEXT NOT NULL DEFAULT '',
  created_ns       INTEGER NOT NULL,
  updated_ns       INTEGER NOT NULL,
  revision         INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX notice_channels_by_tenant ON notice_channels (tenant_id, id);
CREATE UNIQUE INDEX notice_channels_own ON notice_channels (tenant_id) WHERE own;

CREATE TABLE notice_preferences (
  tenant_id    INTEGER PRIMARY KEY REFERENCES tenants (id),
  preferences  TEXT NOT NULL,                     -- JSON object (notice/rules.h)
  revision     INTEGER NOT NULL DEFAULT 1,
  updated_ns   INTEGER NOT NULL
) STRICT;

-- A row is written with what it tells of; to whom it goes is decided afterwards, in a write of its own.
CREATE TABLE notices (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  event       TEXT NOT NULL,
  subject     TEXT NOT NULL DEFAULT '',           -- what it is about: a bot's, hook's, channel's id as clients see it
  data        TEXT NOT NULL,                      -- JSON object
  once        TEXT,                               -- what makes it one and the same notice; null: nothing
  more        INTEGER NOT NULL DEFAULT 0,         -- like it, that were not sent one by one
  channel_id  INTEGER NOT NULL DEFAULT 0,         -- only to this one; 0: as preferred
  open        INTEGER NOT NULL DEFAULT 1,         -- nobody has decided yet
  folded      INTEGER NOT NULL DEFAULT 0,         -- part of a storm: told of by another one's `more`
  created_ns  INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_by_tenant ON notices (tenant_id, id);
CREATE INDEX notices_open ON notices (id) WHERE open;
CREATE UNIQUE INDEX notices_once ON notices (tenant_id, once) WHERE once IS NOT NULL;

CREATE TABLE notice_storms (
  tenant_id  INTEGER NOT NULL,
  event      TEXT NOT NULL,
  subject    TEXT NOT NULL,
  since_ns   INTEGER NOT NULL,                    -- the window began
  sent       INTEGER NOT NULL,                    -- one by one, in it
  folded     INTEGER NOT NULL,                    -- not sent, in it
  last_id    INTEGER NOT NULL,                    -- the newest notice of them
  PRIMARY KEY (tenant_id, event, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_storms_folded ON notice_storms (since_ns) WHERE folded > 0;

CREATE TABLE notice_sendings (
  id          INTEGER PRIMARY KEY,
  notice_id   INTEGER NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
  channel_id  INTEGER NOT NULL REFERENCES notice_channels (id) ON DELETE CASCADE,
  tenant_id   INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'handed', 'sent', 'failed', 'skipped')),
  reason      TEXT NOT NULL DEFAULT '',
  digest      INTEGER NOT NULL DEFAULT 0,         -- goes with the others that are due then
  group_id    INTEGER NOT NULL DEFAULT 0,         -- the first sending of those that go as one; 0: none do yet
  next_ns     INTEGER,                            -- when to try; null: nothing is to be done by the courier
  attempts    INTEGER NOT NULL DEFAULT 0,
  began_ns    INTEGER NOT NULL,                   -- tries are made for a day from then on
  created_ns  INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_sendings_due ON notice_sendings (channel_id, next_ns) WHERE next_ns IS NOT NULL;
CREATE INDEX notice_sendings_by_notice ON notice_sendings (notice_id, id);
CREATE INDEX notice_sendings_by_tenant ON notice_sendings (tenant_id, created_ns);
CREATE INDEX notice_sendings_by_group ON notice_sendings (group_id) WHERE group_id <> 0;
CREATE INDEX notice_sendings_failed ON notice_sendings (id) WHERE state = 'failed';

CREATE TABLE notice_attempts (
  id          INTEGER PRIMARY KEY,
  sending_id  INTEGER NOT NULL REFERENCES notice_sendings (id) ON DELETE CASCADE,
  at_ns       INTEGER NOT NULL,
  took_ms     INTEGER NOT NULL,
  status      INTEGER NOT NULL DEFAULT 0,         -- of HTTP; 0: none was heard
  outcome     TEXT NOT NULL CHECK (outcome IN ('sent', 'later', 'never', 'ours')),
  detail      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX notice_attempts_by_sending ON notice_attempts (sending_id, id);

-- A mail that is a notice's: what becomes of it is told to the sending.
ALTER TABLE outbox ADD COLUMN sending_id INTEGER;
