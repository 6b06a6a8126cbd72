import { EventEmitter, on } from 'node:events';
import type { FeedItem } from '../contract/feed.ts';
import type { RunView } from '../contract/runs.ts';
import type { StartReport } from '../contract/start.ts';
import type { RunId, TicketId } from '../contract/ids.ts';
import { explain } from '../domain/audit.ts';
import type { Run } from '../domain/run.ts';
import type { Brand } from './brand.ts';
import { asRecorded } from './projections.ts';
import { waitingIn } from './waiting.ts';

/** Tells the operator's windows what changed, whole values in the order of the log. */
export interface Feed {
  follow(signal: AbortSignal | undefined, snapshot: () => Promise<FeedItem>): AsyncGenerator<FeedItem>;
  /** Takes a brand's log in; what it returns stops that. */
  attach(brand: Brand): () => void;
  tell(item: FeedItem): void;
  tellStart(report: StartReport, ended: boolean): void;
}

/** Events after which other calls wait for the operator than before. */
const ASK_EVENTS = new Set(['guard.asked', 'guard.answered', 'guard.expired']);

export function createFeed(): Feed {
  const emitter = new EventEmitter().setMaxListeners(0);
  const tell = (item: FeedItem) => void emitter.emit('item', item);
  return {
    async *follow(signal, snapshot) {
      // Listening begins before the snapshot is taken: what happens meanwhile is told after it, and is whole, so twice is no harm.
      const items = on(emitter, 'item', signal ? { signal } : {});
      yield await snapshot();
      try {
        for await (const [item] of items as AsyncIterable<[FeedItem]>) yield item;
      } catch (error) {
        if (!(error instanceof Error && error.name === 'AbortError')) throw error;
      }
    },
    attach(brand) {
      const waiting = tellWaiting(brand, tell);
      const unsubscribe = brand.store.subscribe((event) => {
        // Whoever begins to follow gets a snapshot; until then nobody has to be told anything.
        if (emitter.listenerCount('item') === 0) {
          waiting.forget();
          return;
        }
        const recorded = asRecorded(event);
        if (event.stream.startsWith('ticket/')) {
          const ticket = brand.tickets.get(event.stream.slice('ticket/'.length) as TicketId);
          if (ticket) tell({ kind: 'ticket', ticket: brand.tickets.summary(ticket) });
          waiting.soon();
        }
        if (event.stream.startsWith('run/')) {
          const run = brand.runs.get(event.stream.slice('run/'.length) as RunId);
          if (run) tell({ kind: 'run', run: runView(brand, run) });
          if (ASK_EVENTS.has(event.type)) waiting.soon();
        }
        const [row] = brand.store.query<{ ticket: TicketId | null }>(
          'SELECT ticket FROM projection_activity WHERE position = ?',
          event.position,
        );
        const { position, at, type } = event;
        const entry = { at, position, type, text: explain(recorded) };
        tell({ kind: 'activity', brand: brand.id, entry, ticket: row?.ticket ?? null });
      });
      return () => {
        unsubscribe();
        waiting.forget();
      };
    },
    tell,
    tellStart: (report, ended) => tell({ kind: 'start', report, ended }),
  };
}

/** Tells what waits in a brand once for all that happens in one turn, and only where it is not what was told last. */
function tellWaiting(brand: Brand, tell: (item: FeedItem) => void): { soon(): void; forget(): void } {
  let due: NodeJS.Immediate | undefined;
  let told: string | undefined;
  return {
    soon() {
      due ??= setImmediate(() => {
        due = undefined;
        const items = waitingIn(brand);
        const now = JSON.stringify(items);
        if (now === told) return;
        told = now;
        tell({ kind: 'waiting', brand: brand.id, items });
      });
    },
    forget() {
      clearImmediate(due);
      due = undefined;
      told = undefined;
    },
  };
}

/** A run as the doors show it. */
export function runView(brand: Brand, run: Run): RunView {
  return { ...run, brand: brand.id, contextUsed: brand.runs.contextUsed(run.id) };
}
