import { expect, test } from 'vitest';
import { costUsd, isPriced } from './cost.ts';

test.each([
  ['claude-opus-4', 1_000_000, 1_000_000, 90],
  ['claude-sonnet-4', 1_000_000, 0, 3],
  ['claude-opus-4-5-20251101', 1_000_000, 1_000_000, 30],
  ['claude-opus-5-5', 1_000_000, 1_000_000, 24],
  ['claude-haiku-4-5', 1_000_000, 1_000_000, 6],
  ['claude-haiku-5-5', 100_000, 1_000_000, 0.51],
  ['claude-haiku-5-5', 200_000, 1_000_000, 2.6],
  ['gemini-2.5-flash-lite', 1_000_000, 1_000_000, 0.5],
  ['gemini-2.5-flash', 1_000_000, 1_000_000, 2.8],
  ['gemini-2.5-pro', 2_000, 500, 0.0075],
  ['gpt-5.1-codex', 1_000_000, 1_000_000, 11.25],
  ['gpt-5.1-codex-mini', 1_000_000, 1_000_000, 2.25],
  ['gpt-5.3-codex', 1_000_000, 1_000_000, 15.75],
  ['gpt-5.5-2026-04-23', 200_000, 200_000, 7],
  ['gpt-6.1-sol', 200_000, 200_000, 2.4],
  ['gpt-6-luna', 1_000_000, 1_000_000, 0.95],
  ['gpt-4.1-mini', 1_000_000, 1_000_000, 2],
  ['o3', 1_000_000, 0, 2],
])('%s: %i in, %i out cost %d USD', (model, input, output, usd) => {
  expect(costUsd(model, input, output)).toBeCloseTo(usd, 10);
});

test('a model that nobody knows is said to be unknown, and costs no less than any that is known', () => {
  expect(isPriced('unheard-of')).toBe(false);
  expect(isPriced('gpt-7-nova')).toBe(false);
  for (const known of ['claude-opus-4', 'gpt-5.5-pro']) {
    expect(isPriced(known)).toBe(true);
    expect(costUsd('unheard-of', 1_000_000, 1_000_000)).toBeGreaterThanOrEqual(
      costUsd(known, 1_000_000, 1_000_000),
    );
  }
});
