-- Presets of the edition in force: names for parameter values of its strategies.
ALTER TABLE edition ADD COLUMN presets TEXT NOT NULL DEFAULT '[]';  -- JSON list: strategy, name, about, params
