import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AppendInput, StoredEvent } from './index.ts';
import { append, open, tally, temporaryFolder } from './testing/store.ts';

const input: AppendInput = {
  stream: 'ticket/T-acme-1',
  expectedVersion: 0,
  events: [{ type: 'ticket.drafted', data: { title: 'One', paths: ['a'] } }],
  commandId: 'c-1',
  actor: { kind: 'operator' },
  at: '2026-01-01T00:00:00.000Z',
  receipt: { ticket: 'T-acme-1' },
};

describe('append', () => {
  test('writes events, projection and receipt, and reads them back', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    expect(store.append(input)).toEqual({
      ok: true,
      position: 1,
      version: 1,
      receipt: { ticket: 'T-acme-1' },
      repeated: false,
    });
    const [event] = store.readStream(input.stream);
    expect(event).toMatchObject({
      position: 1,
      stream: input.stream,
      version: 1,
      type: 'ticket.drafted',
      data: { title: 'One', paths: ['a'] },
      actor: { kind: 'operator' },
      commandId: 'c-1',
      at: input.at,
      previousHash: '0'.repeat(64),
    });
    expect(store.head()).toEqual({ position: 1, hash: event?.hash });
    expect(store.query('SELECT * FROM projection_tally')).toEqual([
      { stream: input.stream, events: 1, last: 'ticket.drafted' },
    ]);
    expect(store.receipt('c-1')).toEqual({ receipt: { ticket: 'T-acme-1' }, position: 1 });
  });

  test('refuses a version that is not the stream’s, and writes nothing', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    store.append(input);
    const late = { ...input, commandId: 'c-2' };
    expect(store.append(late)).toEqual({ ok: false, code: 'version-conflict', actual: 1 });
    expect(store.head().position).toBe(1);
    expect(store.receipt('c-2')).toBeUndefined();
  });

  test('answers a repeated command with its receipt, also after reopening and whatever the version', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      store.append(input);
      append(store, input.stream, 'ticket.edited');
    }
    using store = open(folder.file);
    expect(store.append(input)).toEqual({
      ok: true,
      position: 1,
      version: 1,
      receipt: { ticket: 'T-acme-1' },
      repeated: true,
    });
    expect(store.head().position).toBe(2);
  });

  test('keeps the first receipt of a command without events', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    store.recordReceipt('refused', { ok: false });
    store.recordReceipt('refused', { ok: true });
    expect(store.receipt('refused')).toEqual({ receipt: { ok: false }, position: 1 });
    expect(store.append({ ...input, commandId: 'refused' })).toMatchObject({
      repeated: true,
      receipt: { ok: false },
    });
    expect(store.head().position).toBe(1);
  });

  test('gives positions without gaps across streams, conflicts and aborted appends', () => {
    using folder = temporaryFolder();
    using store = open(folder.file, { projections: [tally, refusing] });
    append(store, 'a', 'one', 'two');
    expect(() => append(store, 'b', 'one', 'forbidden')).toThrow(
      expect.objectContaining({ code: 'projection', name: 'StoreFault' }),
    );
    store.append({ ...input, expectedVersion: 9, commandId: 'conflict' });
    append(store, 'b', 'one');
    expect(store.readAll(0, 10).map((event) => [event.position, event.stream, event.version])).toEqual([
      [1, 'a', 1],
      [2, 'a', 2],
      [3, 'b', 1],
    ]);
    expect(store.verifyChain()).toEqual({ ok: true, position: 3 });
    expect(store.query('SELECT stream, events FROM projection_tally ORDER BY stream')).toEqual([
      { stream: 'a', events: 2 },
      { stream: 'b', events: 1 },
    ]);
  });

  test.each([
    ['NaN', Number.NaN],
    ['bigint', 1n],
    ['a date', new Date(0)],
    ['undefined', undefined],
    ['a hole', [undefined]],
  ])('refuses %s as data, and writes nothing', (_, data) => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    expect(() => append(store, 's', 'fine', { type: 'odd', data })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
    expect(store.head().position).toBe(0);
  });

  test('sees what another connection appended, and publishes it first', () => {
    using folder = temporaryFolder();
    using first = open(folder.file);
    using second = open(folder.file);
    const seen: number[] = [];
    first.subscribe((event) => seen.push(event.position));
    append(second, 's', 'theirs');
    append(first, 's', 'ours');
    expect(seen).toEqual([1, 2]);
    expect(first.verifyChain()).toEqual({ ok: true, position: 2 });
  });
});

const refusing = {
  name: 'refusing',
  fingerprint: '1',
  schema: 'CREATE TABLE projection_refusing (n INTEGER) STRICT',
  tables: ['projection_refusing'],
  apply(_: unknown, event: StoredEvent): void {
    if (event.type === 'forbidden') throw new Error('not this one');
  },
};

describe('subscribe', () => {
  test('gives each listener every event in order, also those that a listener appends', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    const seen: string[] = [];
    store.subscribe((event) => {
      seen.push(`first ${event.position}`);
      if (event.type === 'a') append(store, 'other', 'b');
    });
    const stop = store.subscribe((event) => seen.push(`second ${event.position}`));
    append(store, 's', 'a', 'c');
    stop();
    append(store, 's', 'd');
    expect(seen).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'first 3', 'second 3', 'first 4']);
  });

  test('calls after the commit, and a listener that throws stops no other', () => {
    using folder = temporaryFolder();
    const faults: unknown[] = [];
    using store = open(folder.file, { onFault: (error) => faults.push(error) });
    using other = open(folder.file);
    const committed: number[] = [];
    store.subscribe(() => {
      throw new Error('listener');
    });
    store.subscribe(() => committed.push(other.head().position));
    append(store, 's', 'a');
    append(store, 's', 'b');
    expect(committed).toEqual([1, 2]);
    expect(faults).toEqual([new Error('listener'), new Error('listener')]);
  });
});

describe('query', () => {
  test.each([
    'DELETE FROM projection_tally',
    'INSERT INTO projection_tally VALUES (1, 1, 1) RETURNING *',
    'PRAGMA user_version = 7',
    'PRAGMA user_version',
    `ATTACH '/nowhere' AS other`,
    'WITH x AS (SELECT 1) DELETE FROM projection_tally RETURNING *',
    'DROP TABLE events',
    'SELECT 1; DELETE FROM projection_tally',
  ])('refuses %s', (sql) => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    expect(() => store.query(sql)).toThrow(expect.objectContaining({ name: 'StoreFault', code: 'invalid' }));
    expect(store.query('SELECT count(*) AS n FROM projection_tally')).toEqual([{ n: 1 }]);
  });

  test('takes parameters', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    expect(store.query('SELECT last FROM projection_tally WHERE stream = ?', 's')).toEqual([{ last: 'a' }]);
  });
});

describe('keeping', () => {
  test('a backup is a whole store of its own, readable by its owner alone', () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a', 'b');
    const copy = join(folder.path, 'copy.db');
    store.backupTo(copy);
    store.backupTo(copy);
    append(store, 's', 'c');
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(statSync(folder.file).mode & 0o777).toBe(0o600);
    using second = open(copy);
    expect(second.verifyChain()).toEqual({ ok: true, position: 2 });
    expect(second.integrity().ok).toBe(true);
  });

  test('a checkpoint lasts', () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      expect(store.checkpoint('dispatch')).toBe(0);
      store.saveCheckpoint('dispatch', 3);
      store.saveCheckpoint('dispatch', 4);
    }
    using store = open(folder.file);
    expect(store.checkpoint('dispatch')).toBe(4);
  });
});
