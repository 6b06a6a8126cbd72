import type { RunId } from '../contract/ids.ts';
import type { Timer } from './timer.ts';

/** How often a run's process is looked at, and how long it may show no sign of life, in milliseconds. */
const BEAT_MS = 30_000;
const SILENT_MS = 60_000;

/** When each live run was last seen alive. */
export interface Heartbeats {
  /** A sign of life. */
  beat(run: RunId): void;
  /** Looks at a run's process every half minute until what it returns is called. */
  attend(run: RunId, isAlive: () => boolean): () => void;
  /** The run has ended. */
  forget(run: RunId): void;
  /** Runs that have shown no sign of life for a minute. */
  silent(): RunId[];
}

export function createHeartbeats(timer: Timer): Heartbeats {
  const seen = new Map<RunId, number>();
  const beat = (run: RunId) => void seen.set(run, timer.now());
  return {
    beat,
    attend(run, isAlive) {
      let cancel: () => void = () => undefined;
      const look = () => {
        if (isAlive()) beat(run);
        cancel = timer.after(BEAT_MS, look);
      };
      look();
      return () => cancel();
    },
    forget: (run) => void seen.delete(run),
    silent: () => [...seen].flatMap(([run, at]) => (timer.now() - at > SILENT_MS ? [run] : [])),
  };
}
