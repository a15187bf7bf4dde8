-- Limits that a tenant sets over all its bots together, and rule sets: the losses that end a day or an account, as data (engine/risk/rule_set.h).
CREATE TABLE tenant_limits (
  tenant_id  INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
  settings   TEXT NOT NULL,                   -- JSON object, as given
  updated_ns INTEGER NOT NULL,
  revision   INTEGER NOT NULL DEFAULT 1
) STRICT;

-- tenant_id 0 is the installation's own, which every tenant may use.
CREATE TABLE rule_sets (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  name       TEXT NOT NULL,                   -- what an account's setting `rules` says
  body       TEXT NOT NULL,                   -- JSON
  created_ns INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL,
  revision   INTEGER NOT NULL DEFAULT 1,
  deleted_ns INTEGER
) STRICT;
CREATE UNIQUE INDEX rule_sets_by_name ON rule_sets (tenant_id, name) WHERE deleted_ns IS NULL;
