import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { eventRows, hashOf } from './chain.ts';
import { append, open, temporaryFolder } from './testing/store.ts';

/** Six events in two streams; then `tamper` gets at the file with the guards against change taken off. */
function verifyAfter(
  tamper: (db: Database.Database) => void,
  anchored = false,
): ReturnType<ReturnType<typeof open>['verifyChain']> {
  using folder = temporaryFolder();
  using store = open(folder.file);
  append(store, 'a', 'one', 'two');
  append(store, 'b', 'one', 'two');
  append(store, 'a', 'three', 'four');
  const head = store.head();
  expect(store.verifyChain(head)).toEqual({ ok: true, position: 6 });
  const db = new Database(folder.file);
  db.exec('DROP TRIGGER events_never_change; DROP TRIGGER events_never_leave');
  tamper(db);
  db.close();
  return store.verifyChain(anchored ? head : undefined);
}

/** Computes every hash anew from `from` on, as a careful forger would. */
function rehash(db: Database.Database, from: number): void {
  const update = db.prepare('UPDATE events SET hash = ?, previous_hash = ? WHERE position = ?');
  const rows = [...eventRows(db, 0)].flat();
  let previous = rows[from - 2]?.[8] ?? '0'.repeat(64);
  for (const row of rows.slice(from - 1)) {
    const hash = hashOf(row, previous);
    update.run(hash, previous, row[0]);
    previous = hash;
  }
}

describe('the chain shows', () => {
  test.each([
    ['data', `'{"of":"x"}'`],
    ['type', `'other'`],
    ['actor', `'{"kind":"agent"}'`],
    ['at', `'2026-01-02T00:00:00.000Z'`],
    ['command_id', `'other'`],
    ['stream', `'c'`],
    ['version', '9'],
    ['hash', `'${'1'.repeat(64)}'`],
    ['previous_hash', `'${'1'.repeat(64)}'`],
  ])('an edited %s', (column, value) => {
    const result = verifyAfter((db) => db.exec(`UPDATE events SET ${column} = ${value} WHERE position = 3`));
    expect(result).toMatchObject({ ok: false, position: 3 });
  });

  test('a deleted row', () => {
    const result = verifyAfter((db) => db.exec('DELETE FROM events WHERE position = 3'));
    expect(result).toMatchObject({
      ok: false,
      position: 3,
      detail: expect.stringContaining('missing') as string,
    });
  });

  test('a deleted row whose place was closed up', () => {
    const result = verifyAfter((db) =>
      db.exec(
        'DELETE FROM events WHERE position = 3; UPDATE events SET position = position - 1 WHERE position > 3',
      ),
    );
    expect(result).toMatchObject({ ok: false, position: 3 });
  });

  test('two rows that changed places', () => {
    const result = verifyAfter((db) =>
      db.exec(
        `UPDATE events SET position = 100 WHERE position = 2; UPDATE events SET position = 2 WHERE position = 3;
         UPDATE events SET position = 3 WHERE position = 100`,
      ),
    );
    expect(result).toMatchObject({ ok: false, position: 2 });
  });

  test('a tail that was cut off', () => {
    const result = verifyAfter((db) => db.exec('DELETE FROM events WHERE position > 4'));
    expect(result).toMatchObject({
      ok: false,
      position: 5,
      detail: expect.stringContaining('tail') as string,
    });
  });

  test('a tail that was rewritten with fresh hashes, by the receipts', () => {
    const result = verifyAfter((db) => {
      db.exec(`UPDATE events SET data = '{}' WHERE position = 4`);
      rehash(db, 4);
    });
    expect(result).toMatchObject({
      ok: false,
      position: 4,
      detail: expect.stringContaining('rewritten') as string,
    });
  });

  test('a tail rewritten together with its receipts, by a head known from outside', () => {
    const forge = (db: Database.Database): void => {
      db.exec(`UPDATE events SET data = '{}' WHERE position = 4`);
      rehash(db, 4);
      db.exec(
        'UPDATE receipts SET head_hash = (SELECT hash FROM events e WHERE e.position = receipts.position)',
      );
    };
    expect(verifyAfter(forge)).toEqual({ ok: true, position: 6 });
    expect(verifyAfter(forge, true)).toMatchObject({ ok: false, position: 6 });
  });

  test('a tail cut off together with its receipts, by a head known from outside', () => {
    const forge = (db: Database.Database): void => {
      db.exec('DELETE FROM events WHERE position > 4; DELETE FROM receipts WHERE position > 4');
    };
    expect(verifyAfter(forge)).toEqual({ ok: true, position: 4 });
    expect(verifyAfter(forge, true)).toMatchObject({ ok: false, position: 5 });
  });
});

test('the database itself refuses to change or delete an event', () => {
  using folder = temporaryFolder();
  using store = open(folder.file);
  append(store, 's', 'a');
  const db = new Database(folder.file);
  try {
    expect(() => db.exec(`UPDATE events SET data = '{}'`)).toThrow('never rewritten');
    expect(() => db.exec('DELETE FROM events')).toThrow('never deleted');
  } finally {
    db.close();
  }
});

test('the hash of an event is the same everywhere', () => {
  const row = [
    1,
    's',
    1,
    't',
    '{"a":1,"b":[]}',
    '"operator"',
    'c',
    '2026-01-01T00:00:00.000Z',
    '',
    '',
  ] as const;
  expect(hashOf([...row], '0'.repeat(64))).toMatchInlineSnapshot(
    `"fe5208eedb6d04662839ecacfd046d009d0b4fc25af14f5da21890f3036c3f04"`,
  );
});

test('an event whose JSON was damaged is named, not read past', () => {
  using folder = temporaryFolder();
  using store = open(folder.file);
  append(store, 's', 'a', 'b', 'c');
  const db = new Database(folder.file);
  db.exec(`DROP TRIGGER events_never_change; UPDATE events SET data = '{"half' WHERE position = 2`);
  db.close();
  expect(() => store.readAll(0, 10)).toThrow(
    expect.objectContaining({ code: 'corrupt', message: expect.stringContaining('Event 2') as string }),
  );
});

describe('what came after a head that was proved', () => {
  const proved = (
    tamper: (db: Database.Database) => void,
  ): ReturnType<ReturnType<typeof open>['verifyChain']> => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 'a', 'one', 'two');
    const head = store.head();
    append(store, 'b', 'one');
    append(store, 'a', 'three');
    const db = new Database(folder.file);
    db.exec('DROP TRIGGER events_never_change; DROP TRIGGER events_never_leave');
    tamper(db);
    db.close();
    return store.verifyChainSince(head);
  };

  test('is followed on its own, versions of streams from before included', () => {
    expect(proved(() => undefined)).toEqual({ ok: true, position: 4 });
  });

  test.each<[string, (db: Database.Database) => void, number]>([
    ['an event after it was edited', (db) => db.exec(`UPDATE events SET type = 'x' WHERE position = 4`), 4],
    [
      'the head itself is another',
      (db) => (db.exec(`UPDATE events SET type = 'x' WHERE position = 2`), rehash(db, 2)),
      2,
    ],
    ['the tail is gone', (db) => db.exec('DELETE FROM events WHERE position > 2'), 3],
  ])('%s: it shows', (_what, tamper, position) => {
    expect(proved(tamper)).toMatchObject({ ok: false, position });
  });
});
