-- Who is who. A tenant owns data; every user has a personal one, organisations are tenants with several members. Tokens of all
-- kinds are stored as SHA-256 only. Roles are the numbers of tenant/permission.h.
CREATE TABLE tenants (
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('personal', 'organisation')),
  name       TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  deleted_ns INTEGER,
  revision   INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE users (
  id                  INTEGER PRIMARY KEY,
  tenant_id           INTEGER NOT NULL UNIQUE REFERENCES tenants (id),  -- the personal one
  email               TEXT UNIQUE,            -- normalised; null once erased
  name                TEXT NOT NULL,
  password_hash       TEXT,                   -- null: cannot log in
  password_changed_ns INTEGER NOT NULL,
  role                INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
  email_verified_ns   INTEGER,
  suspended_ns        INTEGER,
  suspend_reason      TEXT,
  erased_ns           INTEGER,
  created_ns          INTEGER NOT NULL,
  revision            INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE members (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  role      INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
  since_ns  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE invitations (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  email      TEXT NOT NULL,
  role       INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),
  token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  invited_by INTEGER NOT NULL,
  created_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL,
  UNIQUE (tenant_id, email)
) STRICT;

-- A login. Its refresh tokens are one family: only the newest is good, and using an older one ends the session.
CREATE TABLE sessions (
  id           INTEGER PRIMARY KEY,
  user_id      INTEGER NOT NULL REFERENCES users (id),
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  actor_id     INTEGER,                       -- the operator who impersonates user_id
  mfa          INTEGER NOT NULL,
  address      TEXT NOT NULL,
  user_agent   TEXT NOT NULL,
  created_ns   INTEGER NOT NULL,
  last_used_ns INTEGER NOT NULL,
  expires_ns   INTEGER NOT NULL,
  revoked_ns   INTEGER
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_revocation ON sessions (revoked_ns) WHERE revoked_ns IS NOT NULL;

CREATE TABLE refresh_tokens (
  token_hash BLOB PRIMARY KEY NOT NULL CHECK (length(token_hash) = 32),
  session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  created_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL,
  used_ns    INTEGER,
  successor  BLOB                             -- the next token, sealed with this one as key: for the seconds of grace
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_by_session ON refresh_tokens (session_id, created_ns);

CREATE TABLE email_tokens (
  token_hash BLOB PRIMARY KEY NOT NULL CHECK (length(token_hash) = 32),
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose    TEXT NOT NULL CHECK (purpose IN ('verify', 'reset')),
  created_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX email_tokens_by_user ON email_tokens (user_id, purpose);

CREATE TABLE totp (
  user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  seed       BLOB NOT NULL,                   -- sealed with the key of the personal tenant
  enabled_ns INTEGER,                         -- null: waits for its first code
  last_step  INTEGER NOT NULL DEFAULT 0,
  created_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
  user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
  PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
  id           INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  user_id      INTEGER NOT NULL REFERENCES users (id),
  name         TEXT NOT NULL,
  hint         TEXT NOT NULL,
  key_hash     BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  scopes       INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 15),
  networks     TEXT NOT NULL,                 -- CIDR blocks apart by blanks; empty: from everywhere
  mfa          INTEGER NOT NULL,              -- the session that made it had shown a second factor
  created_ns   INTEGER NOT NULL,
  expires_ns   INTEGER,
  last_used_ns INTEGER,
  revoked_ns   INTEGER
) STRICT;
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);

-- A plan given by an operator, for a while.
CREATE TABLE plan_overrides (
  tenant_id  INTEGER PRIMARY KEY REFERENCES tenants (id),
  tier       TEXT NOT NULL,
  until_ns   INTEGER,
  reason     TEXT NOT NULL,
  given_by   INTEGER NOT NULL,
  created_ns INTEGER NOT NULL
) STRICT;
