import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Projection, Upcaster } from './index.ts';
import { append, open, tally, temporaryFolder } from './testing/store.ts';

/** Depends on order and on the state so far: each stream's running list of types, and the streams by last event. */
const history: Projection = {
  name: 'history',
  fingerprint: '1',
  schema: `
    CREATE TABLE projection_history (stream TEXT PRIMARY KEY, types TEXT NOT NULL) STRICT;
    CREATE TABLE projection_history_last (stream TEXT, position INTEGER, data BLOB) STRICT;
    CREATE INDEX projection_history_by_position ON projection_history_last (position);`,
  tables: ['projection_history', 'projection_history_last'],
  apply(db, event) {
    const row = db.get<{ types: string }>(
      'SELECT types FROM projection_history WHERE stream = ?',
      event.stream,
    );
    const types = `${row?.types ?? ''}${event.type};`;
    db.run('INSERT OR REPLACE INTO projection_history VALUES (?, ?)', event.stream, types);
    if (event.type === 'removed')
      db.run('DELETE FROM projection_history_last WHERE stream = ?', event.stream);
    const data = Buffer.from(JSON.stringify(event.data));
    db.run('INSERT INTO projection_history_last VALUES (?, ?, ?)', event.stream, event.position, data);
  },
};

/** The same by primary key, mixed with statements: what a replay gathers in memory. */
const keyed: Projection = {
  name: 'keyed',
  fingerprint: '1',
  schema: `
    CREATE TABLE projection_keyed (stream TEXT, n INTEGER, type TEXT, count INTEGER, PRIMARY KEY (n, stream)) STRICT;
    CREATE TABLE projection_keyed_total (stream TEXT PRIMARY KEY, total INTEGER, note TEXT) STRICT;`,
  tables: ['projection_keyed', 'projection_keyed_total'],
  apply(db, event) {
    const n = event.version % 3;
    const row = db.find<{ count: number }>('projection_keyed', n, event.stream);
    if (event.type === 'removed') db.remove('projection_keyed', (n + 1) % 3, event.stream);
    db.put('projection_keyed', { stream: event.stream, n, type: event.type, count: (row?.count ?? 0) + 1 });
    const total =
      event.data === null
        ? db.get<{ n: number }>('SELECT sum(count) AS n FROM projection_keyed')?.n
        : db.find<{ total: number }>('projection_keyed_total', event.stream)?.total;
    db.put('projection_keyed_total', { stream: event.stream, total: (total ?? 0) + 1 });
    if (event.data === true) db.run('UPDATE projection_keyed_total SET note = ?', event.type);
  },
};

describe('a projection', () => {
  test('equals a replay, whatever was appended', () => {
    const events = fc.array(
      fc.record({ type: fc.constantFrom('made', 'changed', 'removed'), data: fc.jsonValue({ maxDepth: 2 }) }),
      { maxLength: 4 },
    );
    const commands = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), events), { maxLength: 12 });
    fc.assert(
      fc.property(commands, (appended) => {
        using folder = temporaryFolder();
        using store = open(folder.file, { projections: [tally, history, keyed] });
        for (const [stream, list] of appended) append(store, stream, ...list);
        const before = store.query('SELECT * FROM projection_history_last ORDER BY position');
        expect(store.compareProjections().map((each) => each.ok)).toEqual([true, true, true]);
        store.rebuildProjections();
        expect(store.query('SELECT * FROM projection_history_last ORDER BY position')).toEqual(before);
        expect(store.compareProjections().map((each) => each.ok)).toEqual([true, true, true]);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    [
      'a changed row',
      `UPDATE projection_tally SET events = 9 WHERE stream = 'a'`,
      'differs from a replay in events',
    ],
    ['a missing row', `DELETE FROM projection_tally WHERE stream = 'b'`, 'fewer'],
    ['a row too many', `INSERT INTO projection_tally VALUES ('c', 1, 'x')`, 'more rows'],
    ['a missing table', 'DROP TABLE projection_tally', 'cannot be read'],
  ])('that has %s is found out, and a rebuild puts it right', (_, sql, detail) => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 'a', 'one', 'two');
    append(store, 'b', 'one');
    const db = new Database(folder.file);
    db.exec(sql);
    db.close();
    expect(store.compareProjections()).toEqual([
      { name: 'tally', ok: false, detail: expect.stringContaining(detail) as string },
    ]);
    store.rebuildProjections();
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
  });

  test.each([
    ['fingerprint', { ...tally, fingerprint: '2' }],
    ['schema', { ...tally, schema: `${tally.schema};` }],
  ])('is rebuilt at open when its %s changed', (_, changed) => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      append(store, 'a', 'one', 'two');
    }
    let applied = 0;
    const counted: Projection = {
      ...changed,
      apply(db, event) {
        applied += 1;
        tally.apply(db, event);
      },
    };
    {
      using store = open(folder.file, { projections: [counted] });
      expect(store.query('SELECT * FROM projection_tally')).toEqual([
        { stream: 'a', events: 2, last: 'two' },
      ]);
    }
    expect(applied).toBe(2);
    using store = open(folder.file, { projections: [counted] });
    expect(store.head().position).toBe(2);
    expect(applied).toBe(2);
  });

  test('that is asked for no more is dropped, so that it cannot come back stale', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file, { projections: [tally, history] });
      append(store, 'a', 'one');
    }
    {
      using store = open(folder.file, { projections: [tally] });
      append(store, 'a', 'two');
      expect(store.query(`SELECT name FROM sqlite_schema WHERE name LIKE 'projection_history%'`)).toEqual([]);
    }
    using store = open(folder.file, { projections: [tally, history] });
    expect(store.query('SELECT types FROM projection_history')).toEqual([{ types: 'one;two;' }]);
  });

  test.each([
    ['a table of another name', { schema: 'CREATE TABLE tickets (a TEXT) STRICT', tables: ['tickets'] }],
    ['a table that it does not create', { tables: ['projection_tally', 'projection_tally_other'] }],
    ['a table that is not its own', { tables: ['projection_tally', 'events'] }],
    ['an odd name', { name: 'Tally; DROP TABLE events' }],
  ])('is refused with %s', (_, wrong) => {
    using folder = temporaryFolder();
    expect(() => open(folder.file, { projections: [{ ...tally, ...wrong }] })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });

  test('that gathers more rows than fit comes out the same', () => {
    const wide: Projection = {
      name: 'wide',
      fingerprint: '1',
      schema: 'CREATE TABLE projection_wide (k INTEGER PRIMARY KEY, n INTEGER) STRICT',
      tables: ['projection_wide'],
      apply(db, event) {
        for (let k = 0; k < 30_000; k += 1) {
          const key = (event.position * 20_000 + k) % 70_000;
          const row = db.find<{ n: number }>('projection_wide', key);
          db.put('projection_wide', { k: key, n: (row?.n ?? 0) + event.position });
        }
      },
    };
    using folder = temporaryFolder();
    using store = open(folder.file, { projections: [wide] });
    append(store, 's', 'a', 'b', 'c', 'd', 'e');
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
    expect(store.query('SELECT count(*) AS rows, sum(n) AS n FROM projection_wide')).toEqual([
      { rows: 70_000, n: 450_000 },
    ]);
  });

  test.each([
    ['a table without a primary key', 'CREATE TABLE projection_odd (k TEXT, n INTEGER) STRICT', { k: 'a' }],
    [
      'another unique column',
      'CREATE TABLE projection_odd (k TEXT PRIMARY KEY, n INTEGER UNIQUE) STRICT',
      { k: 'a' },
    ],
    [
      'a column that is not there',
      'CREATE TABLE projection_odd (k TEXT PRIMARY KEY) STRICT',
      { k: 'a', other: 1 },
    ],
  ])('may not put rows in %s', (_, schema, row) => {
    const odd: Projection = {
      name: 'odd',
      fingerprint: '1',
      schema,
      tables: ['projection_odd'],
      apply: (db) => db.put('projection_odd', row),
    };
    using folder = temporaryFolder();
    using store = open(folder.file, { projections: [odd] });
    expect(() => append(store, 's', 'a')).toThrow(expect.objectContaining({ code: 'invalid' }));
    expect(store.head().position).toBe(0);
  });

  test('may be a full-text index', () => {
    const search: Projection = {
      name: 'search',
      fingerprint: '1',
      schema: 'CREATE VIRTUAL TABLE projection_search USING fts5 (stream, text)',
      tables: ['projection_search'],
      apply: (db, event) =>
        void db.run('INSERT INTO projection_search VALUES (?, ?)', event.stream, JSON.stringify(event.data)),
    };
    using folder = temporaryFolder();
    using store = open(folder.file, { projections: [search] });
    append(store, 'a', { type: 'one', data: 'a needle' });
    store.rebuildProjections();
    const found = store.query(`SELECT stream FROM projection_search WHERE projection_search MATCH 'needle'`);
    expect(found).toEqual([{ stream: 'a' }]);
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
  });
});

describe('an upcaster', () => {
  const renamed: Upcaster = {
    name: 'noted → remarked',
    type: 'noted',
    upcast: (event) => ({ type: 'remarked', data: { text: event.data } }),
  };

  test('reads old events in today’s shape, leaves the log as it is and rebuilds the projections', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      append(store, 's', { type: 'noted', data: 'hello' });
    }
    using store = open(folder.file, { upcasters: [renamed] });
    expect(store.readStream('s')).toMatchObject([{ type: 'remarked', data: { text: 'hello' } }]);
    expect(store.query('SELECT last FROM projection_tally')).toEqual([{ last: 'remarked' }]);
    expect(store.query('SELECT type, data FROM events')).toEqual([{ type: 'noted', data: '"hello"' }]);
    expect(store.verifyChain().ok).toBe(true);
    append(store, 's', { type: 'noted', data: 'again' });
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
  });
});
