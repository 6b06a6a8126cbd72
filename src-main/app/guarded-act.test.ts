import { expect, test } from 'vitest';
import type { DecisionEntry } from '../contract/guard.ts';
import type { BrandId } from '../contract/ids.ts';
import { carryOutGuarded, type GuardedAct } from './guarded-act.ts';

function guarded(over: Partial<GuardedAct<number>>) {
  const entries: DecisionEntry[] = [];
  const log = { write: (entry: DecisionEntry) => void entries.push(entry), read: () => entries };
  const act: GuardedAct<number> = {
    guard: 'worktree-cleanup',
    act: 'remove-checkout',
    ticket: null,
    text: 'x',
    before: () => null,
    execute: () => Promise.resolve(1),
    after: () => null,
    ...over,
  };
  const parts = {
    brand: 'acme' as BrandId,
    log,
    timer: { now: () => 0 },
    now: () => '2026-01-01T00:00:00.000Z',
  };
  const told = () => entries.map(({ moment, outcome, decision }) => [moment, outcome, decision]);
  return { told, end: carryOutGuarded(act, parts) };
}

test('an act is asked about before and looked at after', async () => {
  const { told, end } = guarded({ after: (value) => (value === 1 ? 'something is left' : null) });
  expect(await end).toEqual({ done: true, value: 1, found: 'something is left' });
  expect(told()).toEqual([
    ['before', null, 'allow'],
    ['after', 'done', 'deny'],
  ]);
});

test('what is refused is not done', async () => {
  let done = false;
  const { told, end } = guarded({
    before: () => 'it is worked on',
    execute: () => {
      done = true;
      return Promise.resolve(1);
    },
  });
  expect(await end).toEqual({ done: false, refused: 'it is worked on' });
  expect([done, told()]).toEqual([false, [['before', null, 'deny']]]);
});

test('an act that threw is looked at as well', async () => {
  const { told, end } = guarded({ execute: () => Promise.reject(new Error('no disk')) });
  await expect(end).rejects.toThrow('no disk');
  expect(told()).toEqual([
    ['before', null, 'allow'],
    ['after', 'failed', 'allow'],
  ]);
});
