import type { FeedItem } from '../src-main/contract/feed.ts';
import type { Result } from '../src-main/contract/errors.ts';
import { t } from './strings/en.ts';
import { type Line, type TerminalLine, type OpenLine, type OperatorClient, Refused } from './transports.ts';

/** `gone`: there was a core and there is none now; `refused`: this page may not speak to it. */
export type LinkState = 'connecting' | 'live' | 'gone' | 'refused';

export interface ConnectionEvents {
  onItem(item: FeedItem): void;
  onLink(state: LinkState): void;
}

const waits = [250, 500, 1_000, 2_000, 4_000];

let current: Line | null = null;
const arrivals: (() => void)[] = [];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', done);
  });
}

async function follow(line: Line, events: ConnectionEvents): Promise<void> {
  for await (const item of await line.client.feed({})) {
    events.onItem(item);
    if (item.kind !== 'snapshot') continue;
    current = line;
    events.onLink('live');
    for (const arrive of arrivals.splice(0)) arrive();
  }
}

/** Opens a line, follows its feed, and opens the next one when it ends; for as long as the page lives. */
export function connect(open: OpenLine, events: ConnectionEvents): void {
  const run = async () => {
    let failures = 0;
    for (;;) {
      try {
        const line = await open();
        try {
          await follow(line, events);
        } finally {
          if (current === line) failures = 0;
          current = null;
          line.close();
        }
      } catch (error) {
        if (error instanceof Refused) {
          events.onLink('refused');
          await new Promise<void>((resolve) =>
            window.addEventListener('hashchange', () => resolve(), { once: true }),
          );
        }
      }
      events.onLink('gone');
      await pause(waits[Math.min(failures++, waits.length - 1)] ?? 4_000);
    }
  };
  void run();
}

/** The client of the live line, or null. */
export function liveClient(): OperatorClient | null {
  return current?.client ?? null;
}

/** Opens a line for a viewer of a terminal, once there is a core. */
export async function openTerminalLine(signal: AbortSignal): Promise<TerminalLine> {
  await nextClient(signal);
  if (current === null) throw new Error('The line to the core is gone again.');
  return current.openTerminal();
}

/** Waits for a live line; for questions that keep until the core is back. */
export async function nextClient(signal: AbortSignal): Promise<OperatorClient> {
  for (;;) {
    signal.throwIfAborted();
    if (current !== null) return current.client;
    await new Promise<void>((resolve) => {
      arrivals.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

type Answer<T> =
  { ok: true; value: T } | { ok: false; failure: { code: string; message: string; hint: string } };

/** Turns what is thrown on the way (no core, a lost line, an input the core does not accept) into a failure to show. */
export function failureOf(error: unknown): Extract<Result<never>, { ok: false }> {
  const message = error instanceof Error ? error.message : String(error);
  if (liveClient() === null) return { ok: false, failure: { code: 'core-unreachable', ...t.core.lost } };
  return { ok: false, failure: { code: 'fault', message: t.core.fault(message), hint: t.core.faultHint } };
}

/** Asks the core for something now; never throws. Without a core it fails at once, so that nothing typed is lost. */
export async function ask<T>(call: (client: OperatorClient) => Promise<Answer<T>>): Promise<Result<T>> {
  const client = liveClient();
  if (client === null) return { ok: false, failure: { code: 'core-unreachable', ...t.core.notSent } };
  try {
    return (await call(client)) as Result<T>;
  } catch (error) {
    return failureOf(error);
  }
}

/** A new command's id: the same one on a retry gives the receipt of the first. */
export function commandId(): string {
  return crypto.randomUUID();
}
