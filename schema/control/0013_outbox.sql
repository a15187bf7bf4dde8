-- Mail to be sent. Bodies hold tokens, so they are sealed, and gone once sent.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY,
  user_id     INTEGER NOT NULL,               -- 0: to somebody without an account
  recipient   TEXT NOT NULL,
  subject     TEXT NOT NULL,
  body        BLOB,
  created_ns  INTEGER NOT NULL,
  next_ns     INTEGER,                        -- when to try; null: done or given up
  attempts    INTEGER NOT NULL DEFAULT 0,
  sent_ns     INTEGER,
  last_error  TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (next_ns) WHERE next_ns IS NOT NULL;
CREATE INDEX outbox_by_user ON outbox (user_id);
