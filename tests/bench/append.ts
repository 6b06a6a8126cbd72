import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openEventStore, type Projection } from '../../src-main/services/event-store/index.ts';
import { percentile, type BenchResult } from './result.ts';

const rounds = Number(process.env['BENCH_APPEND_EVENTS'] ?? 2000);
const warmUp = 50;

const latest: Projection = {
  name: 'latest',
  fingerprint: '1',
  schema: 'CREATE TABLE projection_latest (stream TEXT PRIMARY KEY, title TEXT, version INTEGER) STRICT',
  tables: ['projection_latest'],
  apply(db, event) {
    const { title } = event.data as { title: string };
    db.run(
      'INSERT INTO projection_latest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET title = excluded.title, version = excluded.version',
      event.stream,
      title,
      event.version,
    );
  },
};

/**
 * Events appended and projected one by one, beside raw inserts of the same data into one table with the same durability;
 * the two take turns, so that what else the disk does meets both alike.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-append-'));
  const raw = new Database(join(folder, 'raw.db'));
  try {
    raw.pragma('journal_mode = WAL');
    raw.pragma('synchronous = FULL');
    raw.exec(
      'CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, type TEXT, data TEXT, at TEXT) STRICT',
    );
    const insert = raw.prepare('INSERT INTO events (stream, type, data, at) VALUES (?, ?, ?, ?)');
    const opened = openEventStore({
      file: join(folder, 'store.db'),
      projections: [latest],
      onFault: (error) => {
        throw error;
      },
    });
    if (!opened.ok) throw new Error(opened.message);
    const { store } = opened;
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds + warmUp; round += 1) {
      const stream = `ticket/T-bench-${round % 200}`;
      const data = {
        title: `Title number ${round}`,
        text: 'A sentence of the length that a ticket has, more or less.',
      };
      const at = new Date(1_700_000_000_000 + round).toISOString();
      const beforeStore = performance.now();
      const result = store.append({
        stream,
        expectedVersion: Math.floor(round / 200),
        events: [{ type: 'ticket.drafted', data }],
        commandId: `command-${round}`,
        actor: { kind: 'operator' },
        at,
      });
      const beforeRaw = performance.now();
      insert.run(stream, 'ticket.drafted', JSON.stringify(data), at);
      const after = performance.now();
      if (!result.ok) throw new Error(`Append ${round} met a conflict.`);
      if (round < warmUp) continue;
      ours.push(beforeRaw - beforeStore);
      theirs.push(after - beforeRaw);
    }
    store.close();
    const perSecond = (samples: readonly number[]): number =>
      (samples.length * 1000) / samples.reduce((sum, sample) => sum + sample, 0);
    const value = perSecond(ours);
    const baseline = perSecond(theirs);
    return [
      {
        name: 'append',
        value,
        unit: 'events/s',
        baseline,
        ratio: value / baseline,
        n: ours.length,
        p50: percentile(ours, 0.5),
        p95: percentile(ours, 0.95),
        p99: percentile(ours, 0.99),
      },
    ];
  } finally {
    raw.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
