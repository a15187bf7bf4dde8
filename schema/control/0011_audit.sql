-- What happened, append-only. Each tenant's rows are a chain: hash = SHA-256 of the row and the hash before it (tenant 0: the
-- site). Chained columns name people by id only; what may have to be erased stands in audit_context, outside of the chain.
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  at_ns      INTEGER NOT NULL,
  user_id    INTEGER NOT NULL,                -- who did it; 0: nobody known
  actor_id   INTEGER NOT NULL,                -- on whose behalf an operator acted: the operator; else 0
  action     TEXT NOT NULL,
  object     TEXT NOT NULL,
  detail     TEXT NOT NULL,                   -- JSON, "" without
  hash       BLOB NOT NULL CHECK (length(hash) = 32),
  UNIQUE (tenant_id, seq)
) STRICT;
CREATE INDEX audit_by_user ON audit (user_id, id);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_context (
  audit_id   INTEGER PRIMARY KEY REFERENCES audit (id),
  address    TEXT NOT NULL,
  user_agent TEXT NOT NULL
) STRICT;

-- Heads of the chains that grew since the last signature; the signature covers them and the signature before.
CREATE TABLE audit_signatures (
  id        INTEGER PRIMARY KEY,
  at_ns     INTEGER NOT NULL,
  digest    BLOB NOT NULL CHECK (length(digest) = 32),
  signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
CREATE TABLE audit_signed_heads (
  signature_id INTEGER NOT NULL REFERENCES audit_signatures (id),
  tenant_id    INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  hash         BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (signature_id, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_signed_heads_by_tenant ON audit_signed_heads (tenant_id, seq);
