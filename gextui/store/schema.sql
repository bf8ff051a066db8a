-- The newest schema. A change here is also a step in migrations.py.
-- Every ts is the market's instant in microseconds since 1970, UTC.
PRAGMA auto_vacuum = INCREMENTAL;

BEGIN IMMEDIATE;

PRAGMA application_id = 0x47455831; -- "GEX1"
PRAGMA user_version = 1;

CREATE TABLE ticker (
  id INTEGER PRIMARY KEY,
  symbol TEXT NOT NULL UNIQUE
) STRICT;

-- One reading's totals and levels; NULL where the reading has none. GEX is USD per 1 % move, DEX USD,
-- vanna USD of delta a vol point, charm USD of delta a day, prices USD, open interest and volume contracts.
CREATE TABLE level (
  ticker_id INTEGER NOT NULL REFERENCES ticker (id),
  ts INTEGER NOT NULL,
  source TEXT NOT NULL,
  spot REAL NOT NULL,
  net_gex REAL,
  call_gex REAL,
  put_gex REAL,
  gross_gex REAL,
  net_dex REAL,
  net_vanna REAL,
  net_charm REAL,
  call_open_interest REAL,
  put_open_interest REAL,
  call_volume REAL,
  put_volume REAL,
  zero_gamma REAL,
  zero_gamma_low REAL,
  zero_gamma_high REAL,
  call_wall REAL,
  put_wall REAL,
  max_pain REAL,
  expected_move REAL,
  daily_sigma REAL,
  iv_30d REAL,
  coverage REAL,
  contracts INTEGER NOT NULL,
  PRIMARY KEY (ticker_id, ts)
) STRICT, WITHOUT ROWID;

-- What of a chain rarely changes: which contracts there are. Named by a digest of its content, stored once.
CREATE TABLE layout (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE,
  payload BLOB NOT NULL
) STRICT;

-- All numbers of one chain, which the snapshots after it differ from a little.
CREATE TABLE key_frame (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  layout_id INTEGER NOT NULL REFERENCES layout (id),
  payload BLOB NOT NULL
) STRICT;

CREATE INDEX key_frame_by_layout ON key_frame (layout_id);

-- One chain: how its numbers differ from its key frame's. crc is over the whole chain, see codec.py.
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  ticker_id INTEGER NOT NULL REFERENCES ticker (id),
  ts INTEGER NOT NULL,
  key_frame_id INTEGER NOT NULL REFERENCES key_frame (id),
  crc INTEGER NOT NULL,
  payload BLOB NOT NULL,
  UNIQUE (ticker_id, ts)
) STRICT;

CREATE INDEX snapshot_by_key_frame ON snapshot (key_frame_id);

-- Times without a reading: from the last one before to the first one after.
CREATE TABLE gap (
  ticker_id INTEGER NOT NULL REFERENCES ticker (id),
  from_ts INTEGER NOT NULL,
  to_ts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (ticker_id, from_ts)
) STRICT, WITHOUT ROWID;

-- How far retention has come, so that the next pass starts there.
CREATE TABLE thinned (
  ticker_id INTEGER NOT NULL REFERENCES ticker (id),
  tier TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (ticker_id, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- "in use" while a writer has the database open, else "closed".
INSERT INTO meta VALUES ('state', 'closed');

COMMIT;
