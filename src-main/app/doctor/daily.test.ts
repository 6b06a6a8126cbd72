import { expect, test } from 'vitest';
import { scheduleDaily } from './daily.ts';

const HOUR = 3_600_000;

/** A clock that is moved by hand, with what is due at it. */
function clockwork() {
  let now = Date.parse('2026-11-26T10:00:00Z');
  let due: { at: number; fn: () => void } | null = null;
  return {
    now: () => new Date(now),
    timer: {
      now: () => now,
      after(ms: number, fn: () => void) {
        const entry = { at: now + ms, fn };
        due = entry;
        return () => {
          if (due === entry) due = null;
        };
      },
    },
    /** Lets time pass, and whatever is due happen. */
    async pass(ms: number) {
      const until = now + ms;
      while (due !== null && due.at <= until) {
        now = due.at;
        const { fn } = due;
        due = null;
        fn();
        // What it starts has ended once every promise of it is settled.
        await new Promise((done) => setImmediate(done));
      }
      now = until;
    },
    waits: () => due !== null,
  };
}

test('everything is examined a day after the last time, and not while a core has just begun', async () => {
  const clock = clockwork();
  let last: string | null = null;
  let examined = 0;
  const stop = scheduleDaily({
    timer: clock.timer,
    now: clock.now,
    last: () => last,
    examine: () => {
      examined += 1;
      last = clock.now().toISOString();
      return Promise.resolve();
    },
    onFault: () => undefined,
  });
  await clock.pass(60_000);
  expect(examined).toBe(0);
  await clock.pass(5 * 60_000);
  expect(examined).toBe(1);
  await clock.pass(23 * HOUR);
  expect(examined).toBe(1);
  // The operator asked for one meanwhile: the day counts from there.
  last = clock.now().toISOString();
  await clock.pass(23 * HOUR);
  expect(examined).toBe(1);
  await clock.pass(2 * HOUR);
  expect(examined).toBe(2);
  stop();
  expect(clock.waits()).toBe(false);
});

test('an examination that fails is told, and the next one comes all the same', async () => {
  const clock = clockwork();
  const faults: unknown[] = [];
  let tried = 0;
  scheduleDaily({
    timer: clock.timer,
    now: clock.now,
    last: () => null,
    examine: () => {
      tried += 1;
      return Promise.reject(new Error('the disk is gone'));
    },
    onFault: (error) => faults.push(error),
  });
  await clock.pass(6 * 60_000);
  expect([tried, faults.length]).toEqual([1, 1]);
  await clock.pass(6 * 60_000);
  expect([tried, faults.length]).toEqual([2, 2]);
});
