import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventStore, type EventStore, type NewEvent, type Projection } from '../index.ts';
import type { OpenOptions } from '../open.ts';

/** A folder of its own that goes away at the end of a `using` block. */
export function temporaryFolder(): { path: string; file: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'event-store-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  return { path, file: join(path, 'events.db'), [Symbol.dispose]: remove };
}

/** Counts events a stream and keeps the last type: small, and wrong as soon as an event is missed or applied twice. */
export const tally: Projection = {
  name: 'tally',
  fingerprint: '1',
  schema: 'CREATE TABLE projection_tally (stream TEXT PRIMARY KEY, events INTEGER, last TEXT) STRICT',
  tables: ['projection_tally'],
  apply(db, event) {
    db.run(
      'INSERT INTO projection_tally VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET events = events + 1, last = excluded.last',
      event.stream,
      event.type,
    );
  },
};

/** Opens a store or throws why not; a listener's fault throws too unless `onFault` is given. */
export function open(file: string, options: Partial<OpenOptions> = {}): EventStore & Disposable {
  const opened = openEventStore({
    projections: [tally],
    onFault: (error) => {
      throw error;
    },
    ...options,
    file,
  });
  if (!opened.ok) throw new Error(`${opened.code}: ${opened.message}`);
  const { store } = opened;
  return { ...store, [Symbol.dispose]: () => store.close() };
}

let commands = 0;

/** Appends with the stream's current version; returns the position. */
export function append(store: EventStore, stream: string, ...events: (string | NewEvent)[]): number {
  commands += 1;
  const result = store.append({
    stream,
    expectedVersion: store.readStream(stream).length,
    events: events.map((event) =>
      typeof event === 'string' ? { type: event, data: { of: stream } } : event,
    ),
    commandId: `command-${commands}`,
    actor: { kind: 'operator' },
    at: '2026-01-01T00:00:00.000Z',
  });
  if (!result.ok) throw new Error(result.code);
  return result.position;
}
