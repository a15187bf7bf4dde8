-- How long a tenant's bots have been quick, or that their place is among the slow (bot/fleet_pace): for the next start, which spreads them over hosts.
CREATE TABLE tenant_pace (
  tenant_id INTEGER PRIMARY KEY,
  quick     INTEGER NOT NULL,                 -- level
  slow      INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL                  -- wall clock; when that became so
) STRICT;
