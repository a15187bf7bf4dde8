-- Scripts of every kind. tenant_id 0 is the installation's own: tiers, rules, dialects, shipped strategies.
CREATE TABLE script (
  id             INTEGER PRIMARY KEY,
  tenant_id      INTEGER NOT NULL,
  kind           TEXT NOT NULL CHECK (kind IN ('strategy', 'rule', 'tier', 'dialect')),
  name           TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  active_version INTEGER,                -- null: none yet
  latest_version INTEGER NOT NULL,
  revision       INTEGER NOT NULL,       -- goes up with every change of this row: what an editor's If-Match names
  created_ns     INTEGER NOT NULL,
  updated_ns     INTEGER NOT NULL,
  UNIQUE (tenant_id, kind, name)
) STRICT;

-- Versions never change; only what was found out about them (state, header, verdict) is written once they are described and
-- proven.
CREATE TABLE script_version (
  id         INTEGER PRIMARY KEY,
  script_id  INTEGER NOT NULL REFERENCES script (id) ON DELETE CASCADE,
  version    INTEGER NOT NULL CHECK (version > 0),
  sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
  author_id  INTEGER,                    -- null: the operator at the machine, or the installation
  created_ns INTEGER NOT NULL,
  comment    TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('new', 'proven', 'rejected')),
  header     TEXT,                       -- JSON: what the script says of itself
  verdict    TEXT,                       -- JSON: what the proofs found
  source     TEXT NOT NULL CHECK (length(source) <= 65536),
  UNIQUE (script_id, version),
  UNIQUE (script_id, sha256)
) STRICT;

CREATE TRIGGER script_version_is_immutable
BEFORE UPDATE OF id, script_id, version, sha256, author_id, created_ns, comment, source ON script_version
BEGIN
  SELECT RAISE(ABORT, 'a version of a script never changes');
END;

-- What was active when; a rollback is an activation of an older version.
CREATE TABLE script_activation (
  script_id INTEGER NOT NULL REFERENCES script (id) ON DELETE CASCADE,
  revision  INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  previous  INTEGER,                     -- null: none was active
  actor_id  INTEGER,
  at_ns     INTEGER NOT NULL,
  PRIMARY KEY (script_id, revision)
) STRICT, WITHOUT ROWID;

-- The edition in force: its tier script's name and its branding. At most one row.
CREATE TABLE edition (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  name      TEXT NOT NULL,
  branding  TEXT NOT NULL,               -- JSON object
  loaded_ns INTEGER NOT NULL
) STRICT;
