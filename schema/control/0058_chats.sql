-- Chats of Telegram from which their owners command bots, and whose messages are signals: linked by a code that was given out to somebody signed in.
CREATE TABLE chat_codes (
  code_hash  BLOB PRIMARY KEY,                   -- SHA-256
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  user_id    INTEGER NOT NULL REFERENCES users (id),
  hook_id    INTEGER REFERENCES hooks (id) ON DELETE CASCADE,  -- its messages go there; null: nowhere
  expires_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE chats (
  id         INTEGER PRIMARY KEY,
  chat       INTEGER NOT NULL UNIQUE,            -- Telegram's number
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  user_id    INTEGER NOT NULL REFERENCES users (id),
  hook_id    INTEGER REFERENCES hooks (id) ON DELETE SET NULL,
  name       TEXT NOT NULL,                      -- as Telegram told it
  linked_ns  INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_by_tenant ON chats (tenant_id, id);
