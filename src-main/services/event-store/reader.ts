import type Database from 'better-sqlite3';
import { genesis, verifyChain, verifyChainSince, type ChainResult, type Head } from './chain.ts';
import { createDecoder, eventColumns, type EventRow, type StoredEvent, type Upcaster } from './event.ts';
import { StoreFault, withDiskFaults } from './fault.ts';
import { schemaState } from './migrate.ts';
import type { SqlValue } from './projection-database.ts';
import { compare, type Projection, type ProjectionComparison } from './projections.ts';

/** What can be read of an event store. Every call sees what was committed before it. */
export interface EventStoreReader {
  /** What a command was answered, and the log's position then; undefined for a command that is not known. */
  receipt(commandId: string): { receipt: unknown; position: number } | undefined;
  /** A stream's events in order, after the version `afterVersion` (0: all). */
  readStream(stream: string, afterVersion?: number): StoredEvent[];
  /** How many events a stream has: the version to append on; 0 for one that is not there. */
  version(stream: string): number;
  /** Up to `limit` events of the log in order, after a position (0: from the start). */
  readAll(afterPosition: number, limit: number): StoredEvent[];
  /** Rows of a SELECT on the projections. @throws StoreFault `invalid` for anything else than one SELECT. */
  query<Row>(sql: string, ...parameters: SqlValue[]): Row[];
  /** A reactor's checkpoint: the last position it is done with, 0 at first. */
  checkpoint(reactor: string): number;
  head(): Head;
  /** Recomputes the whole hash chain; with a head known from outside (an export), checks against it too. Slow. */
  verifyChain(anchor?: Head): ChainResult;
  /** Recomputes the chain after a head up to which it was whole. */
  verifyChainSince(since: Head): ChainResult;
  /** Replays the log into memory and compares each projection row by row. Slow. */
  compareProjections(): ProjectionComparison[];
  /** SQLite's own check of the file, and the schema's version. Slow. */
  integrity(): { ok: boolean; detail: string };
  close(): void;
}

/** What reads need: a connection that cannot write, and how to read events. */
export interface ReaderParts {
  file: string;
  db: Database.Database;
  projections: readonly Projection[];
  upcasters: readonly Upcaster[];
}

const mostStatements = 500;

/** The reading half of a store, over a read-only connection that it closes. */
export function createReader({ file, db, projections, upcasters }: ReaderParts): EventStoreReader {
  const decoder = createDecoder(upcasters);
  const stream = db
    .prepare<[string, number], EventRow>(
      `SELECT ${eventColumns} FROM events WHERE stream = ? AND version > ? ORDER BY version`,
    )
    .raw();
  const all = db
    .prepare<[number, number], EventRow>(
      `SELECT ${eventColumns} FROM events WHERE position > ? ORDER BY position LIMIT ?`,
    )
    .raw();
  const version = db
    .prepare<[string], number>('SELECT version FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1')
    .pluck();
  const head = db.prepare<[], Head>('SELECT position, hash FROM events ORDER BY position DESC LIMIT 1');
  const receipt = db.prepare<[string], { receipt: string; position: number }>(
    'SELECT receipt, position FROM receipts WHERE command_id = ?',
  );
  const checkpoint = db.prepare<[string], { position: number }>(
    'SELECT position FROM checkpoints WHERE reactor = ?',
  );
  const queries = new Map<string, Database.Statement<SqlValue[]>>();
  const guarded = <T>(work: () => T): T => withDiskFaults(file, work);
  // One transaction, so that a look that takes a while sees one state of the file.
  const snapshot = <T>(work: () => T): T => guarded(() => db.transaction(work).deferred());

  const prepareQuery = (sql: string): Database.Statement<SqlValue[]> => {
    const known = queries.get(sql);
    if (known !== undefined) return known;
    if (!/^\s*(select|with|values)\b/i.test(sql)) throw refusedQuery();
    const statement = prepareOne(db, sql);
    if (!statement.readonly || !statement.reader) throw refusedQuery();
    if (queries.size >= mostStatements) queries.clear();
    queries.set(sql, statement);
    return statement;
  };

  return {
    receipt(commandId) {
      const row = guarded(() => receipt.get(commandId));
      return row && { receipt: JSON.parse(row.receipt) as unknown, position: row.position };
    },
    readStream: (name, afterVersion = 0) => guarded(() => decoder.many(stream.all(name, afterVersion))),
    version: (name) => guarded(() => version.get(name) ?? 0),
    readAll: (afterPosition, limit) => guarded(() => decoder.many(all.all(afterPosition, limit))),
    query: <Row>(sql: string, ...parameters: SqlValue[]) =>
      guarded(() => prepareQuery(sql).all(...parameters) as Row[]),
    checkpoint: (reactor) => guarded(() => checkpoint.get(reactor)?.position ?? 0),
    head: () => guarded(() => head.get() ?? { position: 0, hash: genesis }),
    verifyChain: (anchor) => snapshot(() => verifyChain(db, anchor)),
    verifyChainSince: (since) => snapshot(() => verifyChainSince(db, since)),
    compareProjections: () =>
      snapshot(() =>
        compare(
          db,
          projections,
          upcasters.map((each) => each.name),
          decoder,
        ),
      ),
    integrity: () => integrity(file, db),
    close: () => void db.close(),
  };
}

function integrity(file: string, db: Database.Database): { ok: boolean; detail: string } {
  try {
    const rows = withDiskFaults(file, () => db.pragma('integrity_check') as { integrity_check: string }[]);
    const findings = rows.map((row) => row.integrity_check).filter((finding) => finding !== 'ok');
    const state = schemaState(db);
    if (findings.length > 0)
      return { ok: false, detail: `${file} is damaged: ${findings.slice(0, 5).join('; ')}` };
    return state.kind === 'at' && state.pending.length === 0
      ? { ok: true, detail: `${file} is sound, schema version ${state.version}.` }
      : {
          ok: false,
          detail: `${file} is sound, but its schema is not the one this version of Atrium knows.`,
        };
  } catch (error) {
    if (error instanceof StoreFault) return { ok: false, detail: error.message };
    throw error;
  }
}

function prepareOne(db: Database.Database, sql: string): Database.Statement<SqlValue[]> {
  try {
    return db.prepare<SqlValue[]>(sql);
  } catch (error) {
    // What better-sqlite3 throws for more than one statement.
    if (error instanceof RangeError) throw refusedQuery();
    throw error;
  }
}

function refusedQuery(): StoreFault {
  return new StoreFault(
    'invalid',
    'A query of the event store must be one SELECT; changes are made by appending events.',
  );
}
