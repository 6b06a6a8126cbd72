import { setImmediate } from 'node:timers/promises';
import type { StoredEvent } from './event.ts';
import type { EventStore } from './store.ts';

/** What a reactor needs of a store. */
export type ReactorStore = Pick<
  EventStore,
  'readAll' | 'head' | 'subscribe' | 'checkpoint' | 'saveCheckpoint'
>;

export interface ReactorOptions {
  store: ReactorStore;
  /** Names its checkpoint: unique in the store, never changed. */
  name: string;
  /**
   * The side effect of one event. It may see an event again after a crash (at least once), so its effects are idempotent
   * by a key of their own. `signal` is aborted when the reactor stops.
   */
  handle: (event: StoredEvent, signal: AbortSignal) => Promise<void>;
  /** Only events of these types are handled; the others are passed by. Default: all. */
  types?: readonly string[];
  /** Told why an event could not be handled; the reactor stands at that event from then on. */
  onFault: (error: unknown) => void;
}

/** Handles each event once it is committed: in order, one at a time, with a durable checkpoint after each. */
export interface Reactor {
  /** Goes on from the checkpoint. Starting twice changes nothing. */
  start(): void;
  /**
   * Resolves when every event up to the head is handled (before `start` it waits for that). Rejects with what `handle`
   * threw where the reactor stands still, and where it was stopped.
   */
  drain(): Promise<void>;
  /** Tries the event again that failed. Without one it changes nothing. */
  retry(): void;
  /** Takes no further event and resolves when the one in hand has ended. It cannot be started again. */
  stop(): Promise<void>;
}

const batch = 100;

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** A reactor; it does nothing before `start`. */
export function createReactor(options: ReactorOptions): Reactor {
  const { store, name, handle, onFault } = options;
  const types = options.types === undefined ? undefined : new Set(options.types);
  const controller = new AbortController();
  const { signal } = controller;
  let unsubscribe: (() => void) | undefined;
  let done = 0;
  let failed: { error: unknown } | undefined;
  let work: Promise<void> | undefined;
  let waiting: Waiting[] = [];

  const settle = (): void => {
    const settled = waiting;
    waiting = [];
    for (const each of settled) {
      if (failed !== undefined) each.reject(failed.error);
      else if (signal.aborted) each.reject(new Error(`The reactor ${name} was stopped at position ${done}.`));
      else each.resolve();
    }
  };

  const handleAll = async (): Promise<void> => {
    while (!signal.aborted) {
      const events = store.readAll(done, batch);
      if (events.length === 0) return;
      let saved = done;
      for (const event of events) {
        if (types === undefined || types.has(event.type)) {
          await handle(event, signal);
          store.saveCheckpoint(name, event.position);
          saved = event.position;
        }
        done = event.position;
        if (signal.aborted) return;
      }
      if (done > saved) store.saveCheckpoint(name, done);
      // A long way to go must not keep others from the event loop.
      await setImmediate();
    }
  };

  const wake = (): void => {
    if (work !== undefined || failed !== undefined || signal.aborted || unsubscribe === undefined) return;
    // Never inside the call that appended: `work` must stand before the first event is handled.
    work = Promise.resolve()
      .then(handleAll)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        failed = { error };
        onFault(error);
      })
      .then(() => {
        work = undefined;
        // What was committed after the last look, before this turn.
        if (failed === undefined && !signal.aborted && store.head().position > done) wake();
        else settle();
      });
  };

  return {
    start() {
      if (unsubscribe !== undefined || signal.aborted) return;
      done = store.checkpoint(name);
      unsubscribe = store.subscribe(wake);
      wake();
    },
    drain() {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        wake();
        if (work === undefined && (unsubscribe !== undefined || signal.aborted)) settle();
      });
    },
    retry() {
      failed = undefined;
      wake();
    },
    async stop() {
      unsubscribe?.();
      controller.abort();
      await work;
      settle();
    },
  };
}
