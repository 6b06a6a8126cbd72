import { randomBytes } from 'node:crypto';
import type { Actor, BrandEvent } from '../contract/events.ts';
import type { RunId } from '../contract/ids.ts';
import type { EventStore } from '../services/event-store/index.ts';
import { runStream } from './projections.ts';

/** Appends events to a run's stream, behind whatever was appended meanwhile. */
export type RecordOfRun = (run: RunId, events: BrandEvent[], actor: Actor) => void;

export function createRunRecorder(store: EventStore, now: () => string): RecordOfRun {
  return (run, events, actor) => {
    for (;;) {
      const stream = runStream(run);
      const expectedVersion = store.version(stream);
      const commandId = `run:${run}:${expectedVersion}:${randomBytes(4).toString('hex')}`;
      if (store.append({ stream, expectedVersion, events, commandId, actor, at: now() }).ok) return;
    }
  };
}
