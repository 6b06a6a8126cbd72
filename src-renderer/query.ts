import { useCallback, useEffect, useRef, useState } from 'react';
import type { Failure, Result } from '../src-main/contract/errors.ts';
import { failureOf, nextClient } from './connection.ts';
import { useLive } from './store.ts';
import type { OperatorClient } from './transports.ts';

/** What was asked of the core: the last value stays while a newer one is on its way. */
export interface Query<T> {
  value: T | null;
  failure: Failure | null;
  loading: boolean;
  retry(): void;
}

type Answer<T> =
  { ok: true; value: T } | { ok: false; failure: { code: string; message: string; hint: string } };

const kept = new Map<string, unknown>();
const keptAtMost = 200;

function keep(key: string, value: unknown): void {
  kept.delete(key);
  kept.set(key, value);
  const oldest = kept.keys().next();
  if (kept.size > keptAtMost && oldest.done !== true) kept.delete(oldest.value);
}

interface Held<T> {
  key: string | null;
  value: T | null;
  failure: Failure | null;
  settled: string;
}

/**
 * Asks the core and shows what it said last meanwhile.
 *
 * @param key what is asked, or null to ask nothing: a value is kept under it for the next visit
 * @param version asks again when it changes, keeping the value
 */
export function useQuery<T>(
  key: string | null,
  version: string | number,
  call: (client: OperatorClient) => Promise<Answer<T>>,
): Query<T> {
  const lines = useLive((live) => live.lines);
  const [tries, setTries] = useState(0);
  const request = `${key ?? ''}\n${version}\n${lines}\n${tries}`;
  const [held, setHeld] = useState<Held<T>>(() => ({ key: null, value: null, failure: null, settled: '' }));

  // What is asked is told by the key; the function that asks is a new one at every render.
  const latest = useRef(call);
  useEffect(() => {
    latest.current = call;
  });

  useEffect(() => {
    if (key === null) return;
    const gone = new AbortController();
    const run = async () => {
      const client = await nextClient(gone.signal);
      const answer = await latest.current(client).then((result) => result as Result<T>, failureOf);
      if (gone.signal.aborted) return;
      if (answer.ok) {
        keep(key, answer.value);
        setHeld({ key, value: answer.value, failure: null, settled: request });
      } else {
        setHeld((before) => ({
          key,
          value: before.key === key ? before.value : null,
          failure: answer.failure,
          settled: request,
        }));
      }
    };
    run().catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
    return () => gone.abort();
  }, [key, request]);

  const own = held.key === key;
  const value = own ? held.value : key === null ? null : ((kept.get(key) as T | undefined) ?? null);
  const retry = useCallback(() => setTries((count) => count + 1), []);
  return {
    value,
    failure: own ? held.failure : null,
    loading: key !== null && held.settled !== request,
    retry,
  };
}
