import { expect, test } from 'vitest';
import type { RunId } from '../contract/ids.ts';
import { createHeartbeats } from './heartbeat.ts';

test('a run whose process is gone is silent after a minute, one that lives is not', () => {
  let now = 0;
  let due: { at: number; fn: () => void }[] = [];
  const pass = (ms: number) => {
    const until = now + ms;
    for (;;) {
      const next = due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      due = due.filter((one) => one !== next);
      now = next.at;
      next.fn();
    }
    now = until;
  };
  const heartbeats = createHeartbeats({
    now: () => now,
    after(ms, fn) {
      const entry = { at: now + ms, fn };
      due.push(entry);
      return () => void (due = due.filter((one) => one !== entry));
    },
  });
  const [living, lost] = ['R-a-1', 'R-a-2'] as RunId[];
  let isAlive = true;
  heartbeats.attend(living as RunId, () => true);
  const rest = heartbeats.attend(lost as RunId, () => isAlive);
  pass(600_000);
  expect(heartbeats.silent()).toEqual([]);
  isAlive = false;
  pass(59_000);
  expect(heartbeats.silent()).toEqual([]);
  pass(31_000);
  expect(heartbeats.silent()).toEqual([lost]);
  rest();
  heartbeats.forget(lost as RunId);
  expect(heartbeats.silent()).toEqual([]);
});
