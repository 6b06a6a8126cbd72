import { describe, expect, test } from 'vitest';
import { createReactor, type Reactor, type ReactorOptions, type StoredEvent } from './index.ts';
import { append, open, temporaryFolder } from './testing/store.ts';

/** A reactor that notes what it handled, stopped at the end of the block. */
function noting(
  options: Pick<ReactorOptions, 'store'> & Partial<ReactorOptions>,
): Reactor & { seen: number[]; faults: unknown[] } & AsyncDisposable {
  const seen: number[] = [];
  const faults: unknown[] = [];
  const reactor = createReactor({
    name: 'noting',
    onFault: (error) => faults.push(error),
    ...options,
    async handle(event, signal) {
      await options.handle?.(event, signal);
      seen.push(event.position);
    },
  });
  return { ...reactor, seen, faults, [Symbol.asyncDispose]: () => reactor.stop() };
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('a reactor', () => {
  test('handles what was there and what comes, in order and once', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    for (let n = 0; n < 250; n += 1) append(store, 's', 'old');
    await using reactor = noting({ store });
    reactor.start();
    reactor.start();
    await reactor.drain();
    expect(reactor.seen).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
    append(store, 's', 'a', 'b');
    append(store, 't', 'c');
    await reactor.drain();
    expect(reactor.seen.slice(250)).toEqual([251, 252, 253]);
    expect(store.checkpoint('noting')).toBe(253);
  });

  test('handles one at a time, also the events that it causes', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    let inHand = 0;
    let most = 0;
    await using reactor = noting({
      store,
      async handle(event) {
        inHand += 1;
        most = Math.max(most, inHand);
        if (event.type === 'cause') append(store, 'effects', 'effect');
        await Promise.resolve();
        inHand -= 1;
      },
    });
    reactor.start();
    append(store, 's', 'cause', 'cause', 'other');
    await reactor.drain();
    expect(reactor.seen).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(1);
  });

  test('goes on after a restart where it stood', async () => {
    using folder = temporaryFolder();
    {
      using store = open(folder.file);
      append(store, 's', 'a', 'b');
      await using reactor = noting({ store });
      reactor.start();
      await reactor.drain();
    }
    using store = open(folder.file);
    append(store, 's', 'c');
    await using reactor = noting({ store });
    reactor.start();
    await reactor.drain();
    expect(reactor.seen).toEqual([3]);
  });

  test('stands at an event that fails, skips none, and goes on by retry', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a', 'bad', 'c');
    let broken = true;
    await using reactor = noting({
      store,
      handle: (event: StoredEvent) =>
        event.type === 'bad' && broken ? Promise.reject(new Error('no')) : Promise.resolve(),
    });
    reactor.start();
    await expect(reactor.drain()).rejects.toThrow('no');
    append(store, 's', 'd');
    await expect(reactor.drain()).rejects.toThrow('no');
    expect([reactor.seen, reactor.faults, store.checkpoint('noting')]).toEqual([[1], [new Error('no')], 1]);
    reactor.retry();
    await expect(reactor.drain()).rejects.toThrow('no');
    expect(reactor.faults).toHaveLength(2);
    broken = false;
    reactor.retry();
    await reactor.drain();
    expect(reactor.seen).toEqual([1, 2, 3, 4]);
  });

  test('tries an event that failed again at the next start, and the effect is seen twice where the checkpoint was lost', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    const effects: number[] = [];
    const lossy = {
      ...store,
      saveCheckpoint: () => {
        throw new Error('lost power');
      },
    };
    const handle = (event: StoredEvent): Promise<void> => {
      effects.push(event.position);
      return Promise.resolve();
    };
    {
      await using reactor = noting({ store: lossy, handle });
      reactor.start();
      await expect(reactor.drain()).rejects.toThrow('lost power');
    }
    await using reactor = noting({ store, handle });
    reactor.start();
    await reactor.drain();
    expect(effects).toEqual([1, 1]);
  });

  test('stops after the event in hand, and takes no other', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a', 'b');
    const begun = deferred<AbortSignal>();
    const end = deferred<null>();
    const reactor = noting({
      store,
      async handle(_, signal) {
        begun.resolve(signal);
        await end.promise;
      },
    });
    reactor.start();
    const drained = expect(reactor.drain()).rejects.toThrow('stopped at position 1');
    const signal = await begun.promise;
    const stopped = reactor.stop();
    expect(signal.aborted).toBe(true);
    end.resolve(null);
    await stopped;
    await drained;
    append(store, 's', 'c');
    expect([reactor.seen, store.checkpoint('noting')]).toEqual([[1], 1]);
  });

  test('misses no event that is committed while it comes to rest', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a');
    let late = false;
    const racing = {
      ...store,
      readAll(after: number, limit: number) {
        const events = store.readAll(after, limit);
        if (events.length === 0 && !late) {
          late = true;
          queueMicrotask(() => append(store, 's', 'late'));
        }
        return events;
      },
    };
    await using reactor = noting({ store: racing });
    reactor.start();
    await reactor.drain();
    expect(reactor.seen).toEqual([1, 2]);
  });

  test('passes by the types it does not handle, and its checkpoint follows', async () => {
    using folder = temporaryFolder();
    using store = open(folder.file);
    append(store, 's', 'a', 'b', 'a', 'c');
    await using reactor = noting({ store, types: ['b'] });
    reactor.start();
    await reactor.drain();
    expect([reactor.seen, store.checkpoint('noting')]).toEqual([[2], 4]);
  });
});
