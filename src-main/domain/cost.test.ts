import { expect, test } from 'vitest';
import { costUsd, isPriced } from './cost.ts';

test.each([
  ['claude-opus-4', 1_000_000, 1_000_000, 90],
  ['claude-sonnet-4', 1_000_000, 0, 3],
  ['claude-haiku-4', 0, 1_000_000, 1.25],
  ['gemini-2.5-flash-lite', 1_000_000, 1_000_000, 0.5],
  ['gemini-2.5-flash', 1_000_000, 1_000_000, 2.8],
  ['gemini-2.5-pro', 2_000, 500, 0.0075],
  ['gpt-5.1-codex', 1_000_000, 1_000_000, 11.25],
  ['gpt-5.1-codex-mini', 1_000_000, 1_000_000, 2.25],
  ['gpt-4.1-mini', 1_000_000, 1_000_000, 2],
  ['o3', 1_000_000, 0, 2],
])('%s: %i in, %i out cost %d USD', (model, input, output, usd) => {
  expect(costUsd(model, input, output)).toBeCloseTo(usd, 10);
});

test('a model that nobody knows is said to be unknown, and costs no less than any that is known', () => {
  expect(isPriced('unheard-of')).toBe(false);
  for (const known of ['claude-opus-4', 'gpt-5.1-pro']) {
    expect(isPriced(known)).toBe(true);
    expect(costUsd('unheard-of', 1_000_000, 1_000_000)).toBeGreaterThanOrEqual(
      costUsd(known, 1_000_000, 1_000_000),
    );
  }
});
