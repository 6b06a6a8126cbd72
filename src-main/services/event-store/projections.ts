import { hash } from 'node:crypto';
import Database from 'better-sqlite3';
import { eventRows } from './chain.ts';
import type { Decoder, StoredEvent } from './event.ts';
import { diskCode, StoreFault } from './fault.ts';
import { gatheringDatabase, quoted, type ProjectionDatabase } from './projection-database.ts';

/** Tables derived from the log. They can be dropped and rebuilt at any time. */
export interface Projection {
  /** Lower case letters, digits and underscores, starting with a letter. */
  name: string;
  /** A change of it drops the tables and replays the log into new ones, as does a change of `schema` or `tables`. */
  fingerprint: string;
  /** SQL that creates its tables and indexes; each table's name starts with `projection_<name>`. */
  schema: string;
  /** The tables that `schema` creates (of a virtual table: itself, not its shadows). */
  tables: readonly string[];
  /** Takes one event in. Deterministic; reads and writes its own tables alone. Throwing aborts the append. */
  apply(db: ProjectionDatabase, event: StoredEvent): void;
}

/** How one projection compares with a replay of the log. */
export interface ProjectionComparison {
  name: string;
  ok: boolean;
  detail: string;
}

/** Gives one event to a projection; what it throws is a fault that names it. */
export function project(db: ProjectionDatabase, projection: Projection, event: StoredEvent): void {
  try {
    projection.apply(db, event);
  } catch (error) {
    if (diskCode(error) !== undefined || error instanceof StoreFault) throw error;
    const what = `The projection ${projection.name} could not take in event ${event.position} (${event.type})`;
    throw new StoreFault('projection', `${what}, so nothing was written; correct its apply.`, error);
  }
}

/** Drops what these projections (or earlier shapes of them) left, creates their tables and replays the log into them. */
export function build(
  db: Database.Database,
  projections: readonly Projection[],
  upcasterNames: readonly string[],
  decoder: Decoder,
): void {
  const record = db.prepare('INSERT INTO projections (name, fingerprint, tables) VALUES (?, ?, ?)');
  for (const projection of projections) {
    drop(db, projection.name);
    create(db, projection);
    record.run(projection.name, fingerprintOf(projection, upcasterNames), JSON.stringify(projection.tables));
  }
  replay(db, db, projections, decoder);
}

/**
 * Makes the tables fit the projections asked for: drops those that are asked for no more (they would fall behind), rebuilds
 * those whose fingerprint changed. Returns the names that were rebuilt.
 */
export function settle(
  db: Database.Database,
  projections: readonly Projection[],
  upcasterNames: readonly string[],
  decoder: Decoder,
): string[] {
  const stored = storedFingerprints(db);
  const stale = projections.filter((each) => stored.get(each.name) !== fingerprintOf(each, upcasterNames));
  const unused = [...stored.keys()].filter((name) => !projections.some((each) => each.name === name));
  if (stale.length === 0 && unused.length === 0) return [];
  for (const name of unused) drop(db, name);
  build(db, stale, upcasterNames, decoder);
  return stale.map((each) => each.name);
}

/** Replays the log into a database in memory and compares each table row by row. */
export function compare(
  db: Database.Database,
  projections: readonly Projection[],
  upcasterNames: readonly string[],
  decoder: Decoder,
): ProjectionComparison[] {
  const stored = storedFingerprints(db);
  const current = projections.filter((each) => stored.get(each.name) === fingerprintOf(each, upcasterNames));
  const scratch = new Database(':memory:');
  try {
    scratch.transaction(() => {
      for (const projection of current) create(scratch, projection);
      replay(db, scratch, current, decoder);
    })();
    return projections.map((projection) => {
      if (!current.includes(projection)) {
        const detail = `${projection.name} was built from another definition; open the store to rebuild it.`;
        return { name: projection.name, ok: false, detail };
      }
      const differences = projection.tables.flatMap((table) => difference(db, scratch, table) ?? []);
      return differences.length === 0
        ? { name: projection.name, ok: true, detail: `${projection.name} equals a replay of the log.` }
        : { name: projection.name, ok: false, detail: differences.join(' ') };
    });
  } finally {
    scratch.close();
  }
}

function replay(
  from: Database.Database,
  to: Database.Database,
  projections: readonly Projection[],
  decoder: Decoder,
): void {
  if (projections.length === 0) return;
  const targets = projections.map((projection) => ({ projection, database: gatheringDatabase(to) }));
  for (const rows of eventRows(from, 0)) {
    for (const event of decoder.many(rows)) {
      for (const { projection, database } of targets) project(database, projection, event);
    }
  }
  for (const { database } of targets) database.flush();
}

function create(db: Database.Database, projection: Projection): void {
  const refuse = (why: string): StoreFault =>
    new StoreFault('invalid', `The projection ${projection.name} ${why}; correct its definition.`);
  if (!/^[a-z][a-z0-9_]*$/.test(projection.name))
    throw refuse('needs a name of lower case letters, digits and _');
  const before = tableNames(db);
  db.exec(projection.schema);
  const after = tableNames(db);
  for (const name of after) {
    if (!before.has(name) && !name.startsWith(`projection_${projection.name}`)) {
      throw refuse(`creates ${name}, whose name does not start with projection_${projection.name}`);
    }
  }
  for (const table of projection.tables) {
    if (before.has(table) || !after.has(table))
      throw refuse(`names ${table}, which its schema does not create`);
  }
}

function drop(db: Database.Database, name: string): void {
  const row = db
    .prepare<[string], { tables: string }>('SELECT tables FROM projections WHERE name = ?')
    .get(name);
  if (row === undefined) return;
  for (const table of JSON.parse(row.tables) as string[]) db.exec(`DROP TABLE IF EXISTS ${quoted(table)}`);
  db.prepare('DELETE FROM projections WHERE name = ?').run(name);
}

function difference(
  stored: Database.Database,
  replayed: Database.Database,
  table: string,
): string | undefined {
  const columns = replayed
    .prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map((column) => column.name);
  const order = columns.map((_, index) => index + 1).join(', ');
  const sql = `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table)} ORDER BY ${order}`;
  let row = 0;
  const right = replayed.prepare<[], unknown[]>(sql).raw().iterate();
  try {
    for (const left of stored.prepare<[], unknown[]>(sql).raw().iterate()) {
      row += 1;
      const next = right.next();
      if (next.done === true) return `${table} has more rows than a replay, which gives ${row - 1}.`;
      const differing = columns.filter((_, index) => !same(left[index], next.value[index]));
      if (differing.length > 0)
        return `Row ${row} of ${table} differs from a replay in ${differing.join(', ')}.`;
    }
    return right.next().done === true ? undefined : `${table} has ${row} rows, fewer than a replay gives.`;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_ERROR') {
      return `${table} cannot be read: ${error.message}.`;
    }
    throw error;
  } finally {
    right.return?.();
  }
}

function same(left: unknown, right: unknown): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array
    ? Buffer.compare(left, right) === 0
    : left === right;
}

function storedFingerprints(db: Database.Database): Map<string, string> {
  const rows = db
    .prepare<[], { name: string; fingerprint: string }>('SELECT name, fingerprint FROM projections')
    .all();
  return new Map(rows.map((row) => [row.name, row.fingerprint]));
}

function fingerprintOf(projection: Projection, upcasterNames: readonly string[]): string {
  const { fingerprint, schema, tables } = projection;
  return hash('sha256', JSON.stringify([fingerprint, schema, tables, upcasterNames]));
}

function tableNames(db: Database.Database): Set<string> {
  const rows = db
    .prepare<[], { name: string }>(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')`)
    .all();
  return new Set(rows.map((row) => row.name));
}
