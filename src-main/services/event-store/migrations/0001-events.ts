import type { Migration } from './migration.ts';

/** The log, the receipts, the checkpoints of reactors and the register of projections. */
export const events: Migration = {
  version: 1,
  name: 'events',
  sql: `
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  version INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  actor TEXT NOT NULL,
  command_id TEXT NOT NULL,
  at TEXT NOT NULL,
  hash TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  UNIQUE (stream, version)
) STRICT;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never rewritten'); END;
CREATE TRIGGER events_never_leave BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TABLE receipts (
  command_id TEXT PRIMARY KEY,
  receipt TEXT NOT NULL,
  position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  head_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
  reactor TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE projections (
  name TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  tables TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
};
