import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventStore, type Projection } from '../../src-main/services/event-store/index.ts';
import type { BenchResult } from './result.ts';

const perAppend = 5000;

const counts: Projection = {
  name: 'counts',
  fingerprint: '1',
  schema:
    'CREATE TABLE projection_counts (stream TEXT PRIMARY KEY, state TEXT, n INTEGER) STRICT, WITHOUT ROWID',
  tables: ['projection_counts'],
  apply(db, event) {
    const { state } = event.data as { state: string };
    const row = db.find<{ n: number }>('projection_counts', event.stream);
    db.put('projection_counts', { stream: event.stream, state, n: (row?.n ?? 0) + 1 });
  },
};

/** Dropping and rebuilding the projections of a long log. `BENCH_REPLAY_EVENTS` sets its length (default 1,000,000). */
export async function run(): Promise<BenchResult[]> {
  const total = Number(process.env['BENCH_REPLAY_EVENTS'] ?? 1_000_000);
  const folder = mkdtempSync(join(tmpdir(), 'bench-replay-'));
  try {
    const opened = openEventStore({
      file: join(folder, 'store.db'),
      projections: [counts],
      onFault: (error) => {
        throw error;
      },
    });
    if (!opened.ok) throw new Error(opened.message);
    const { store } = opened;
    const streams = Math.ceil(total / perAppend);
    for (let index = 0; index < streams; index += 1) {
      const length = Math.min(perAppend, total - index * perAppend);
      store.append({
        stream: `ticket/T-bench-${index}`,
        expectedVersion: 0,
        events: Array.from({ length }, (_, n) => ({
          type: 'ticket.moved',
          data: { state: n % 2 === 0 ? 'running' : 'ready', reason: `step ${n}` },
        })),
        commandId: `command-${index}`,
        actor: { kind: 'operator' },
        at: '2026-01-01T00:00:00.000Z',
      });
    }
    const before = performance.now();
    store.rebuildProjections();
    const seconds = (performance.now() - before) / 1000;
    const rows = store.query<{ n: number }>('SELECT sum(n) AS n FROM projection_counts');
    store.close();
    if (rows[0]?.n !== total) throw new Error(`The rebuild took in ${rows[0]?.n} events, expected ${total}.`);
    const value = total / seconds;
    return [
      {
        name: 'replay',
        value,
        unit: 'events/s',
        baseline: null,
        ratio: null,
        n: total,
        p50: null,
        p95: null,
        p99: null,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
