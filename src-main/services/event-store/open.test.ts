import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openEventStore, openEventStoreReader, type EventStore, type OpenResult } from './index.ts';
import { append, open, tally, temporaryFolder } from './testing/store.ts';

function tryOpen(file: string, maximumPages?: number): OpenResult {
  const limit = maximumPages === undefined ? {} : { maximumPages };
  return openEventStore({ file, projections: [tally], onFault: () => undefined, lockWait: 20, ...limit });
}

/** Whether a tmpfs can be mounted here: with it a full disk and a read-only one are real. */
function canMount(): boolean {
  using folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', folder.path], { stdio: 'ignore' });
    execFileSync('umount', [folder.path]);
    return true;
  } catch {
    return false;
  }
}

function tmpfs(path: string, size: string): { remount(options: string): void } & Disposable {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path]);
  return {
    remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, path]),
    [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', path]),
  };
}

function readOnlyFile(file: string): Disposable {
  execFileSync('mount', ['--bind', file, file]);
  execFileSync('mount', ['-o', 'remount,bind,ro', file]);
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', file]) };
}

/** Appends until it fails; the number that were acknowledged. */
function fill(store: EventStore, upTo = 10_000): { acknowledged: number; fault: unknown } {
  const before = store.head().position;
  try {
    for (let n = 0; n < upTo; n += 1) {
      append(store, `s-${n}`, { type: 'filled', data: 'x'.repeat(2000) });
    }
    return { acknowledged: before + upTo, fault: undefined };
  } catch (fault) {
    return { acknowledged: store.head().position, fault };
  }
}

describe('opening fails as data for', () => {
  test('a missing folder', () => {
    using folder = temporaryFolder();
    expect(tryOpen(join(folder.path, 'none', 'events.db'))).toMatchObject({
      ok: false,
      code: 'missing-folder',
    });
  });

  test('a file that is no database', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file, 'not a database, and longer than the header of one. '.repeat(40));
    expect(tryOpen(folder.file)).toMatchObject({ ok: false, code: 'corrupt' });
  });

  test('a database of something else', () => {
    using folder = temporaryFolder();
    const db = new Database(folder.file);
    db.exec('CREATE TABLE songs (title TEXT)');
    db.close();
    expect(tryOpen(folder.file)).toMatchObject({ ok: false, code: 'corrupt' });
  });

  test('a file that lost its end', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      for (let n = 0; n < 20; n += 1) append(store, 's', { type: 'a', data: 'x'.repeat(3000) });
    }
    truncateSync(folder.file, 5000);
    expect(tryOpen(folder.file)).toMatchObject({ ok: false, code: 'corrupt' });
  });

  test('a lock that another connection holds', () => {
    using folder = temporaryFolder();
    open(folder.file)[Symbol.dispose]();
    const other = new Database(folder.file);
    other.exec('BEGIN IMMEDIATE');
    expect(tryOpen(folder.file)).toMatchObject({ ok: false, code: 'locked' });
    other.close();
    const opened = tryOpen(folder.file);
    expect(opened.ok).toBe(true);
    if (opened.ok) opened.store.close();
  });

  test('a disk that is full', () => {
    using folder = temporaryFolder();
    expect(tryOpen(folder.file, 4)).toMatchObject({ ok: false, code: 'disk-full' });
  });
});

describe('an append', () => {
  test('throws `locked` while another connection writes, and works after it', () => {
    using folder = temporaryFolder();
    using store = open(folder.file, { lockWait: 20 });
    const other = new Database(folder.file);
    other.exec('BEGIN IMMEDIATE');
    expect(() => append(store, 's', 'a')).toThrow(expect.objectContaining({ code: 'locked' }));
    other.close();
    append(store, 's', 'a');
    expect(store.head().position).toBe(1);
  });

  test('throws `disk-full` at the ceiling, keeps what was acknowledged and nothing half', () => {
    using folder = temporaryFolder();
    let acknowledged = 0;
    {
      using store = open(folder.file, { maximumPages: 60 });
      const filled = fill(store);
      expect(filled.fault).toMatchObject({ name: 'StoreFault', code: 'disk-full' });
      acknowledged = filled.acknowledged;
      expect(acknowledged).toBeGreaterThan(5);
    }
    using store = open(folder.file);
    expect(store.verifyChain()).toEqual({ ok: true, position: acknowledged });
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
    append(store, 'more', 'a');
    expect(store.head().position).toBe(acknowledged + 1);
  });
});

describe.runIf(canMount())('on a disk of its own', () => {
  test('that is full, an append throws `disk-full`; with room again it goes on', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'disk');
    using disk = tmpfs(path, '1m');
    using store = open(join(path, 'events.db'));
    const { acknowledged, fault } = fill(store);
    expect(fault).toMatchObject({ name: 'StoreFault', code: 'disk-full' });
    expect(store.verifyChain()).toEqual({ ok: true, position: acknowledged });
    disk.remount('size=4m');
    append(store, 'more', 'a');
    expect(store.verifyChain()).toEqual({ ok: true, position: acknowledged + 1 });
    expect(store.compareProjections()).toMatchObject([{ ok: true }]);
  });

  test('that is read-only, opening says so', () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'disk');
    using disk = tmpfs(path, '4m');
    const file = join(path, 'events.db');
    {
      using store = open(file);
      append(store, 's', 'a');
    }
    disk.remount('ro');
    expect(tryOpen(file)).toMatchObject({ ok: false, code: 'read-only' });
    expect(tryOpen(join(path, 'new.db'))).toMatchObject({ ok: false, code: 'read-only' });
    disk.remount('rw');
    using store = open(file);
    expect(store.head().position).toBe(1);
  });
});

describe.runIf(canMount())('a file that alone is read-only', () => {
  test('is not opened', () => {
    using folder = temporaryFolder();
    open(folder.file)[Symbol.dispose]();
    using _readOnly = readOnlyFile(folder.file);
    expect(tryOpen(folder.file)).toMatchObject({ ok: false, code: 'read-only' });
  });
});

describe('a reader', () => {
  test('sees what the store commits, proves it, and cannot write', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    const opened = openEventStoreReader({ file: folder.file, projections: [tally] });
    if (!opened.ok) throw new Error(opened.message);
    const { reader } = opened;
    append(store, 's', 'a');
    expect(reader.head()).toEqual(store.head());
    expect(reader.verifyChain(store.head())).toEqual({ ok: true, position: 1 });
    expect(reader.compareProjections()).toMatchObject([{ ok: true }]);
    expect(reader.integrity()).toMatchObject({ ok: true });
    reader.close();
  });

  test('says when a projection was built from another definition', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    const opened = openEventStoreReader({ file: folder.file, projections: [{ ...tally, fingerprint: '2' }] });
    if (!opened.ok) throw new Error(opened.message);
    expect(opened.reader.compareProjections()).toMatchObject([{ name: 'tally', ok: false }]);
    opened.reader.close();
  });

  test('makes no file', () => {
    using folder = temporaryFolder();
    expect(openEventStoreReader({ file: folder.file, projections: [] })).toMatchObject({
      code: 'missing-file',
    });
  });
});
