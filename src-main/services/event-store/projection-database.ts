import type Database from 'better-sqlite3';
import { StoreFault } from './fault.ts';

/** What SQLite takes as a parameter. */
export type SqlValue = string | number | bigint | Buffer | null;

/** A row by column name. */
export type ProjectionRow = Record<string, SqlValue>;

/**
 * What a projection writes its own tables with. `find`, `put` and `remove` go by primary key; in a replay they are gathered
 * in memory and written once a row, so a projection made of them rebuilds several times faster than one of statements.
 */
export interface ProjectionDatabase {
  /** The row with this primary key (its columns in the key's order), or undefined. Not to be changed: `put` a new one. */
  find<Row extends object>(table: string, ...key: SqlValue[]): Readonly<Row> | undefined;
  /** Writes a whole row in the place of the one with its primary key; a column left out becomes null. */
  put(table: string, row: Readonly<ProjectionRow>): void;
  /** Removes the row with this primary key, if there is one. */
  remove(table: string, ...key: SqlValue[]): void;
  /** Runs a statement that returns no rows; the number of rows it changed. Keep the SQL constant: it is prepared once a text. */
  run(sql: string, ...parameters: SqlValue[]): number;
  /** The first row, or undefined. */
  get<Row>(sql: string, ...parameters: SqlValue[]): Row | undefined;
  /** All rows. */
  all<Row>(sql: string, ...parameters: SqlValue[]): Row[];
}

/** A {@link ProjectionDatabase} that writes at once, for an append. */
export function projectionDatabase(db: Database.Database): ProjectionDatabase {
  const tables = tablesOf(db);
  return {
    find: <Row extends object>(table: string, ...key: SqlValue[]) =>
      tables(table).find(key) as Row | undefined,
    put(table, row) {
      const known = tables(table);
      known.write(known.whole(row));
    },
    remove: (table, ...key) => tables(table).remove(key),
    ...statementsOf(db),
  };
}

const mostGathered = 50_000;

/**
 * A {@link ProjectionDatabase} of one projection that gathers rows until `flush`, for a replay into its empty tables. What
 * a statement reads or writes is flushed before it.
 */
export function gatheringDatabase(db: Database.Database): ProjectionDatabase & { flush(): void } {
  const tables = tablesOf(db);
  const statements = statementsOf(db);
  const gathered = new Map<string, Gathered>();
  let size = 0;
  /** Nothing was written to the database yet: a row that is not gathered is nowhere. */
  let empty = true;

  const gatheredOf = (name: string): Gathered => {
    let found = gathered.get(name);
    if (found === undefined) {
      found = { table: tables(name), rows: new Map() };
      gathered.set(name, found);
    }
    return found;
  };
  const flush = (): void => {
    if (size === 0) return;
    for (const { table, rows } of gathered.values()) {
      for (const { key, row } of rows.values()) {
        if (row === undefined) table.remove(key);
        else table.write(row);
      }
      rows.clear();
    }
    size = 0;
    empty = false;
  };
  const keep = (to: Gathered, key: SqlValue[], row: ProjectionRow | undefined): void => {
    const text = keyText(key);
    const entry = to.rows.get(text);
    if (entry !== undefined) {
      entry.row = row;
      return;
    }
    if (size >= mostGathered) flush();
    to.rows.set(text, { key, row });
    size += 1;
  };

  return {
    find<Row extends object>(table: string, ...key: SqlValue[]) {
      const from = gatheredOf(table);
      const entry = from.rows.get(keyText(key));
      if (entry !== undefined) return entry.row as Row | undefined;
      return empty ? undefined : (from.table.find(key) as Row | undefined);
    },
    put(table, row) {
      const to = gatheredOf(table);
      const whole = to.table.whole(row);
      keep(to, to.table.keyOf(whole), whole);
    },
    remove: (table, ...key) => keep(gatheredOf(table), key, undefined),
    run(sql, ...parameters) {
      flush();
      empty = false;
      return statements.run(sql, ...parameters);
    },
    get<Row>(sql: string, ...parameters: SqlValue[]) {
      flush();
      return statements.get<Row>(sql, ...parameters);
    },
    all<Row>(sql: string, ...parameters: SqlValue[]) {
      flush();
      return statements.all<Row>(sql, ...parameters);
    },
    flush,
  };
}

interface Gathered {
  table: Table;
  rows: Map<string, { key: SqlValue[]; row: ProjectionRow | undefined }>;
}

/** A table by its primary key. */
interface Table {
  /** The row with all its columns, in their order. */
  whole(row: Readonly<ProjectionRow>): ProjectionRow;
  keyOf(row: Readonly<ProjectionRow>): SqlValue[];
  find(key: SqlValue[]): unknown;
  write(row: ProjectionRow): void;
  remove(key: SqlValue[]): void;
}

function tablesOf(db: Database.Database): (name: string) => Table {
  const tables = new Map<string, Table>();
  return (name) => {
    let table = tables.get(name);
    if (table === undefined) {
      table = tableOf(db, name);
      tables.set(name, table);
    }
    return table;
  };
}

function tableOf(db: Database.Database, name: string): Table {
  const info = db
    .prepare<[string], { name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid')
    .all(name);
  const columns = info.map((column) => column.name);
  const key = info
    .filter((column) => column.pk > 0)
    .sort((left, right) => left.pk - right.pk)
    .map((column) => column.name);
  const unique = db
    .prepare<[string], { n: number }>(
      `SELECT count(*) AS n FROM pragma_index_list(?) WHERE "unique" AND origin <> 'pk'`,
    )
    .get(name);
  if (key.length === 0 || unique?.n !== 0) {
    // Another unique column would make the outcome depend on when gathered rows are written.
    throw new StoreFault(
      'invalid',
      `find, put and remove need a table with a primary key and no other unique columns, which ${name} is not.`,
    );
  }
  const where = key.map((column) => `${quoted(column)} = ?`).join(' AND ');
  const rest = columns.filter((column) => !key.includes(column));
  const update =
    rest.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${rest.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ')}`;
  const all = columns.map(quoted).join(', ');
  const select = db.prepare<SqlValue[]>(`SELECT ${all} FROM ${quoted(name)} WHERE ${where}`);
  const erase = db.prepare<SqlValue[]>(`DELETE FROM ${quoted(name)} WHERE ${where}`);
  const upsert = db.prepare<SqlValue[]>(
    `INSERT INTO ${quoted(name)} (${all}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT (${key.map(quoted).join(', ')}) DO ${update}`,
  );
  const valuesOf = (names: readonly string[], row: Readonly<ProjectionRow>): SqlValue[] =>
    names.map((column) => row[column] ?? null);
  return {
    whole(row) {
      for (const column in row) {
        if (!columns.includes(column))
          throw new StoreFault('invalid', `The table ${name} has no column ${column}.`);
      }
      const whole: ProjectionRow = {};
      for (const column of columns) whole[column] = row[column] ?? null;
      return whole;
    },
    keyOf: (row) => valuesOf(key, row),
    find: (values) => select.get(...values),
    write: (row) => void upsert.run(...valuesOf(columns, row)),
    remove: (values) => void erase.run(...values),
  };
}

function statementsOf(db: Database.Database): Pick<ProjectionDatabase, 'run' | 'get' | 'all'> {
  const statements = new Map<string, Database.Statement<SqlValue[]>>();
  const prepared = (sql: string): Database.Statement<SqlValue[]> => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare<SqlValue[]>(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    run: (sql, ...parameters) => prepared(sql).run(...parameters).changes,
    get: <Row>(sql: string, ...parameters: SqlValue[]) => prepared(sql).get(...parameters) as Row | undefined,
    all: <Row>(sql: string, ...parameters: SqlValue[]) => prepared(sql).all(...parameters) as Row[],
  };
}

function keyText(key: readonly SqlValue[]): string {
  const [first] = key;
  if (key.length === 1 && typeof first === 'string') return first;
  return JSON.stringify(key.map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))));
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
