-- Terminals of MetaTrader: whose expert asks for which account, and every command that was ever handed to one.
CREATE TABLE ea_links (
  account_id  INTEGER PRIMARY KEY REFERENCES accounts (id),
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  token_hash  BLOB NOT NULL UNIQUE,             -- SHA-256 of the token in the address; the secret is a sealed field of the account
  sequence    INTEGER NOT NULL DEFAULT 0,       -- requests up to this number are not taken any more
  login       TEXT NOT NULL DEFAULT '',         -- of the terminal that came first; others are refused
  server      TEXT NOT NULL DEFAULT '',
  hook_id     INTEGER REFERENCES hooks (id) ON DELETE SET NULL,  -- that its signals go through
  created_ns  INTEGER NOT NULL,
  updated_ns  INTEGER NOT NULL
) STRICT;
CREATE INDEX ea_links_by_hook ON ea_links (hook_id) WHERE hook_id IS NOT NULL;

-- Written before the answer that carries the command; a name is handed out once.
CREATE TABLE ea_commands (
  id          INTEGER PRIMARY KEY,
  account_id  INTEGER NOT NULL REFERENCES ea_links (account_id) ON DELETE CASCADE,
  name        TEXT NOT NULL,                    -- as the terminal knows it: of an order, its client id
  command     TEXT NOT NULL,                    -- JSON, as it was handed out
  state       TEXT NOT NULL CHECK (state IN ('leased', 'done', 'refused', 'missed', 'unsure')),
  leased_ns   INTEGER NOT NULL,
  done_ns     INTEGER NOT NULL DEFAULT 0,
  ticket      TEXT NOT NULL DEFAULT '',
  code        INTEGER NOT NULL DEFAULT 0,       -- the terminal's
  text        TEXT NOT NULL DEFAULT '',
  UNIQUE (account_id, name)
) STRICT;
CREATE INDEX ea_commands_by_account ON ea_commands (account_id, id);
