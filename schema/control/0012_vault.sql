-- Secrets, sealed in an envelope: a master key outside of the database wraps a key per tenant, which seals the fields. A
-- destroyed tenant key makes all its fields unreadable, in backups too.
CREATE TABLE tenant_keys (
  tenant_id   INTEGER PRIMARY KEY REFERENCES tenants (id),
  master      INTEGER NOT NULL,               -- version of the master key that wraps it
  wrapped     BLOB,                           -- null: destroyed
  created_ns  INTEGER NOT NULL,
  destroyed_ns INTEGER
) STRICT;

CREATE TABLE accounts (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  venue      TEXT NOT NULL,
  name       TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  deleted_ns INTEGER,
  revision   INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX accounts_by_tenant ON accounts (tenant_id, id);

CREATE TABLE account_secrets (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  field      TEXT NOT NULL,
  tenant_id  INTEGER NOT NULL,
  version    INTEGER NOT NULL,                -- counts up with each put
  sealed     BLOB NOT NULL,
  created_ns INTEGER NOT NULL,
  PRIMARY KEY (account_id, field)
) STRICT, WITHOUT ROWID;
