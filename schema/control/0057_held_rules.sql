-- Rules in quarantine: a source that is not asked any more for a tenant, as it hung or ended the process that asked it, or had to be stopped too often.
CREATE TABLE held_rules (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  sha256    TEXT NOT NULL,                      -- of the source
  file      TEXT NOT NULL,                      -- its name then
  why       TEXT NOT NULL,
  since_ns  INTEGER NOT NULL,
  UNIQUE (tenant_id, sha256)
) STRICT;
