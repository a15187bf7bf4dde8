-- Answers to requests with an Idempotency-Key, for 24 hours. `key` is a hash of who, operation and key; `body_hash` of the
-- request; the answer is sealed with a key that is not in the database, since answers may hold secrets shown once.
CREATE TABLE idempotency (
  key        BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
  body_hash  BLOB NOT NULL CHECK (length(body_hash) = 32),
  created_ns INTEGER NOT NULL,
  status     INTEGER NOT NULL,
  answer     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_ns);
