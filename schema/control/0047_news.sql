-- Times at which rule sets want nothing opened, or nothing held (engine/risk/news.h). tenant_id 0: the installation's calendar, for everybody.
CREATE TABLE news (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  from_ns    INTEGER NOT NULL,
  to_ns      INTEGER NOT NULL CHECK (to_ns >= from_ns),
  impact     INTEGER NOT NULL,                -- enum news_impact
  what       TEXT NOT NULL,                   -- currencies and symbols by commas; empty: everything
  title      TEXT NOT NULL,
  created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX news_by_time ON news (tenant_id, from_ns);
