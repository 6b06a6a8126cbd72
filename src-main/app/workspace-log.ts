import { randomUUID } from 'node:crypto';
import type { Actor, WorkspaceEvent } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { DoctorReport } from '../contract/doctor.ts';
import { StartReport } from '../contract/start.ts';
import { openEventStore, type EventStore, type Projection } from '../services/event-store/index.ts';

/** The workspace's own log: what spans brands. */
export interface WorkspaceLog {
  record(stream: string, events: WorkspaceEvent[], actor: Actor): void;
  /** The last start that came to its end, with the heads of the brands' logs then. */
  lastStart(): { report: StartReport; positions: Record<string, number> } | null;
  /** The last examination of the whole workspace by the doctor. */
  lastExamination(): DoctorReport | null;
  store: Pick<EventStore, 'head' | 'verifyChainSince' | 'query'>;
  close(): void;
}

/** The last start, whole. */
const starts: Projection = {
  name: 'starts',
  fingerprint: '1',
  tables: ['projection_starts'],
  schema: 'CREATE TABLE projection_starts (id INTEGER PRIMARY KEY, record TEXT NOT NULL);',
  apply(db, event) {
    if (event.type === 'start.ended')
      db.run(
        'INSERT INTO projection_starts VALUES (1, ?) ON CONFLICT DO UPDATE SET record = excluded.record',
        JSON.stringify(event.data),
      );
  },
};

/** The last examination, whole. */
const examinations: Projection = {
  name: 'examinations',
  fingerprint: '1',
  tables: ['projection_examinations'],
  schema: 'CREATE TABLE projection_examinations (id INTEGER PRIMARY KEY, record TEXT NOT NULL);',
  apply(db, event) {
    if (event.type === 'doctor.examined')
      db.run(
        'INSERT INTO projection_examinations VALUES (1, ?) ON CONFLICT DO UPDATE SET record = excluded.record',
        JSON.stringify((event.data as { report: unknown }).report),
      );
  },
};

/** Everything that is derived from the workspace's log. */
export const workspaceProjections: readonly Projection[] = [starts, examinations];

/** Opens the workspace's log. */
export function openWorkspaceLog(
  file: string,
  now: () => string,
  onFault: (error: unknown) => void,
): Result<WorkspaceLog> {
  const opened = openEventStore({ file, projections: workspaceProjections, onFault });
  if (!opened.ok)
    return fail(
      opened.code === 'newer-schema' ? 'newer-schema' : 'workspace-unusable',
      opened.message,
      opened.hint,
    );
  const { store } = opened;
  return ok({
    record(stream, events, actor) {
      const expectedVersion = store.version(stream);
      store.append({ stream, expectedVersion, events, commandId: randomUUID(), actor, at: now() });
    },
    lastStart() {
      const [row] = store.query<{ record: string }>('SELECT record FROM projection_starts');
      if (!row) return null;
      const kept = JSON.parse(row.record) as { report: unknown; positions: Record<string, number> };
      const report = StartReport.safeParse(kept.report);
      return report.success ? { report: report.data, positions: kept.positions } : null;
    },
    lastExamination() {
      const [row] = store.query<{ record: string }>('SELECT record FROM projection_examinations');
      const report = row ? DoctorReport.safeParse(JSON.parse(row.record)) : null;
      return report?.success ? report.data : null;
    },
    store,
    close: () => store.close(),
  });
}
