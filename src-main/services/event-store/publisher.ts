import type { StoredEvent } from './event.ts';

/** Hands committed events to listeners, in order of position, whatever the listeners do meanwhile. */
export interface Publisher {
  subscribe(listener: (event: StoredEvent) => void): () => void;
  publish(events: readonly StoredEvent[]): void;
  close(): void;
}

/** A publisher; what a listener throws goes to `onFault` and stops no other listener. */
export function createPublisher(onFault: (error: unknown) => void): Publisher {
  const listeners = new Set<{ call: (event: StoredEvent) => void }>();
  const queue: StoredEvent[] = [];
  let publishing = false;

  const deliver = (event: StoredEvent): void => {
    for (const listener of [...listeners]) {
      if (!listeners.has(listener)) continue;
      try {
        listener.call(event);
      } catch (error) {
        onFault(error);
      }
    }
  };

  return {
    subscribe(listener) {
      const entry = { call: listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    publish(events) {
      queue.push(...events);
      // A listener may append: its events wait until everyone has the ones before them.
      if (publishing) return;
      publishing = true;
      try {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) deliver(event);
      } finally {
        publishing = false;
      }
    },
    close() {
      listeners.clear();
      queue.length = 0;
    },
  };
}
