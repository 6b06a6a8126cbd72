import { expect, test } from 'vitest';
import { costUsd } from './cost.ts';

test.each([
  ['claude-opus-4', 1_000_000, 1_000_000, 90],
  ['claude-sonnet-4', 1_000_000, 0, 3],
  ['claude-haiku-4', 0, 1_000_000, 1.25],
  ['gemini-2.5-flash-lite', 1_000_000, 1_000_000, 0.5],
  ['gemini-2.5-flash', 1_000_000, 1_000_000, 2.8],
  ['gemini-2.5-pro', 2_000, 500, 0.0075],
])('%s: %i in, %i out cost %d USD', (model, input, output, usd) => {
  expect(costUsd(model, input, output)).toBeCloseTo(usd, 10);
});

test('a model that nobody knows costs as much as the dearest', () => {
  expect(costUsd('unheard-of', 1_000_000, 1_000_000)).toBe(costUsd('claude-opus-4', 1_000_000, 1_000_000));
});
