import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openAtMigration } from './migrate.ts';
import { migrations, type Migration } from './migrations/index.ts';
import { openWith } from './open.ts';
import { append, open, tally, temporaryFolder } from './testing/store.ts';

const ignore = (): void => undefined;
const next: Migration = {
  version: migrations.length + 1,
  name: 'next',
  sql: 'CREATE TABLE next (a TEXT) STRICT;',
};

function tables(db: Database.Database): string[] {
  return db
    .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .pluck()
    .all();
}

test('migration 1, events: from nothing to the log and what belongs to it', () => {
  using folder = temporaryFolder();
  const before = openAtMigration(folder.file, 0);
  expect(tables(before)).toEqual(['migrations']);
  before.close();
  const after = openAtMigration(folder.file, 1);
  expect(tables(after)).toEqual(['checkpoints', 'events', 'migrations', 'projections', 'receipts']);
  after.close();
});

describe('migrating', () => {
  test('keeps the events and leaves a backup of the file as it was', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      append(store, 's', 'a', 'b');
    }
    const opened = openWith({ file: folder.file, projections: [tally], onFault: ignore }, [
      ...migrations,
      next,
    ]);
    if (!opened.ok) throw new Error(opened.message);
    expect(opened.store.verifyChain()).toEqual({ ok: true, position: 2 });
    expect(opened.store.query('SELECT * FROM next')).toEqual([]);
    opened.store.close();
    using backup = open(`${folder.file}.before-${next.version}`);
    expect(backup.verifyChain()).toEqual({ ok: true, position: 2 });
  });

  test('is all or nothing', () => {
    using folder = temporaryFolder();
    open(folder.file)[Symbol.dispose]();
    const broken: Migration = {
      version: next.version + 1,
      name: 'broken',
      sql: 'CREATE TABLE half (a); NONSENSE',
    };
    const options = { file: folder.file, projections: [tally], onFault: ignore };
    expect(() => openWith(options, [...migrations, next, broken])).toThrow('NONSENSE');
    const db = new Database(folder.file, { readonly: true });
    expect(tables(db)).not.toContain('next');
    db.close();
  });

  test('refuses a database of a newer version and leaves it alone', () => {
    using folder = temporaryFolder();
    openAtMigration(folder.file, next.version, [...migrations, next]).close();
    expect(openWith({ file: folder.file, projections: [], onFault: ignore }, migrations)).toEqual({
      ok: false,
      code: 'newer-schema',
      message: expect.stringContaining(`schema version ${next.version}`) as string,
      hint: expect.stringContaining('newer version of Atrium') as string,
    });
    expect(existsSync(`${folder.file}-wal`)).toBe(false);
  });

  test('refuses a database whose migration had another text', () => {
    using folder = temporaryFolder();
    openAtMigration(folder.file, next.version, [...migrations, next]).close();
    const changed = { ...next, sql: 'CREATE TABLE next (b TEXT) STRICT;' };
    expect(
      openWith({ file: folder.file, projections: [], onFault: ignore }, [...migrations, changed]),
    ).toMatchObject({ ok: false, code: 'changed-migration' });
  });
});
