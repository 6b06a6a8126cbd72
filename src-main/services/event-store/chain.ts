import { hash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { eventColumns, type EventRow } from './event.ts';

/** The hash before the first event. */
export const genesis = '0'.repeat(64);

/** The log's end: the last event's position and hash; position 0 and {@link genesis} where there is none. */
export interface Head {
  position: number;
  hash: string;
}

/** What a look at the whole chain found; `position` is the head, or the first event that does not fit. */
export type ChainResult = { ok: true; position: number } | { ok: false; position: number; detail: string };

/**
 * The hash of a row: sha256 over the canonical JSON of its fields and the hash before it. `data` and `actor` are already
 * canonical JSON, so the text is put together in the order of the sorted keys.
 */
export function hashOf(row: EventRow, previousHash: string): string {
  const [position, stream, version, type, data, actor, commandId, at] = row;
  const text =
    `{"actor":${actor},"at":${JSON.stringify(at)},"commandId":${JSON.stringify(commandId)},"data":${data},` +
    `"position":${position},"stream":${JSON.stringify(stream)},"type":${JSON.stringify(type)},"version":${version}}`;
  return hash('sha256', `${text}\n${previousHash}`);
}

const batch = 512;

/** Each row after `afterPosition`, in order, read in batches so that the connection stays free in between. */
export function* eventRows(db: Database.Database, afterPosition: number): Generator<EventRow[]> {
  const select = db
    .prepare<[number, number], EventRow>(
      `SELECT ${eventColumns} FROM events WHERE position > ? ORDER BY position LIMIT ?`,
    )
    .raw();
  let after = afterPosition;
  for (;;) {
    const rows = select.all(after, batch);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last[0];
  }
}

/**
 * Recomputes the chain. Beyond the hashes it checks positions and versions for gaps, and each receipt's note of the head as
 * it stood, so that a tail that was cut off or rewritten with fresh hashes shows. `anchor` is a head known from outside.
 */
export function verifyChain(db: Database.Database, anchor?: Head): ChainResult {
  return follow(db, { position: 0, hash: genesis }, anchor);
}

/** {@link verifyChain} of what came after a head up to which the chain was whole; that head must still be there. */
export function verifyChainSince(db: Database.Database, since: Head): ChainResult {
  if (since.position > 0) {
    const kept = db
      .prepare<[number], string>('SELECT hash FROM events WHERE position = ?')
      .pluck()
      .get(since.position);
    if (kept !== since.hash) {
      const detail = `Event ${since.position} is not the one that was proved: the log was rewritten.`;
      return { ok: false, position: since.position, detail };
    }
  }
  return follow(db, since, undefined);
}

function follow(db: Database.Database, from: Head, anchor: Head | undefined): ChainResult {
  const versions = new Map<string, number>();
  const versionBefore = db
    .prepare<[string, number], number>(
      'SELECT version FROM events WHERE stream = ? AND position <= ? ORDER BY version DESC LIMIT 1',
    )
    .pluck();
  const lastVersion = (stream: string): number =>
    versions.get(stream) ?? (from.position === 0 ? 0 : (versionBefore.get(stream, from.position) ?? 0));
  let position = from.position;
  let previous = from.hash;
  const broken = (at: number, detail: string): ChainResult => ({ ok: false, position: at, detail });
  if (anchor?.position === 0 && anchor.hash !== genesis)
    return broken(0, 'The known head of an empty log is wrong.');
  for (const rows of eventRows(db, from.position)) {
    for (const row of rows) {
      if (row[0] !== position + 1) {
        return broken(
          position + 1,
          `Event ${position + 1} is missing: event ${position} is followed by ${row[0]}.`,
        );
      }
      position = row[0];
      if (row[9] !== previous) {
        return broken(position, `Event ${position} does not name the hash of the event before it.`);
      }
      const computed = hashOf(row, previous);
      if (row[8] !== computed)
        return broken(position, `Event ${position} was changed: its contents do not give its hash.`);
      const version = lastVersion(row[1]) + 1;
      if (row[2] !== version) {
        return broken(position, `Event ${position} has version ${row[2]} of ${row[1]}, expected ${version}.`);
      }
      versions.set(row[1], version);
      if (anchor?.position === position && anchor.hash !== computed) {
        return broken(position, `Event ${position} is not the one that was exported: the log was rewritten.`);
      }
      previous = computed;
    }
  }
  if (anchor !== undefined && anchor.position > position) {
    return broken(
      position + 1,
      `The log ends at ${position}, but ${anchor.position} was known: its tail is missing.`,
    );
  }
  return receiptsFit(db, position, from.position) ?? { ok: true, position };
}

function receiptsFit(db: Database.Database, head: number, since: number): ChainResult | undefined {
  const stray = db
    .prepare<[number, string], { command: string; position: number; present: number }>(
      `SELECT r.command_id AS command, r.position AS position, e.position IS NOT NULL AS present
       FROM receipts r LEFT JOIN events e ON e.position = r.position
       WHERE r.position >= ? AND
         ((r.position = 0 AND r.head_hash <> ?) OR (r.position > 0 AND r.head_hash IS NOT e.hash))
       ORDER BY r.position LIMIT 1`,
    )
    .get(since, genesis);
  if (stray === undefined) return undefined;
  const detail =
    stray.position > head
      ? `The log ends at ${head}, but the receipt of ${stray.command} knows event ${stray.position}: its tail is missing.`
      : `Event ${stray.position} is not the one that the receipt of ${stray.command} knows: the log was rewritten.`;
  return { ok: false, position: stray.position > head ? head + 1 : stray.position, detail };
}
