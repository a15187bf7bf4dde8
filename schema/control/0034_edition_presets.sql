-- Presets of the edition in force: names for parameter values of its strategies. The table is built anew, as some directories got the
-- column from a migration with a number below those they had, which others therefore never ran. The next load brings presets back.
CREATE TABLE edition_34 (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  name      TEXT NOT NULL,
  branding  TEXT NOT NULL,               -- JSON object
  presets   TEXT NOT NULL DEFAULT '[]',  -- JSON list: strategy, name, about, params
  loaded_ns INTEGER NOT NULL
) STRICT;
INSERT INTO edition_34 (one, name, branding, loaded_ns) SELECT one, name, branding, loaded_ns FROM edition;
DROP TABLE edition;
ALTER TABLE edition_34 RENAME TO edition;
