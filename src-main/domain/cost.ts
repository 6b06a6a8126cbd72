interface Price {
  /** What the name of a model contains. */
  name: RegExp;
  /** USD for a million tokens in, read from a cache or not, and out. */
  input: number;
  output: number;
}

/** Approximate list prices by vendor, with when they were looked up; the first match wins. */
const lists: readonly { vendor: string; asOf: string; prices: readonly Price[] }[] = [
  {
    vendor: 'Anthropic',
    asOf: '2026-11',
    prices: [
      { name: /opus/i, input: 15, output: 75 },
      { name: /sonnet/i, input: 3, output: 15 },
      { name: /haiku/i, input: 0.25, output: 1.25 },
    ],
  },
  {
    vendor: 'Google',
    asOf: '2026-11',
    prices: [
      { name: /gemini.*flash-lite/i, input: 0.1, output: 0.4 },
      { name: /gemini.*flash/i, input: 0.3, output: 2.5 },
      { name: /gemini.*pro/i, input: 1.25, output: 10 },
    ],
  },
  {
    vendor: 'OpenAI',
    asOf: '2025-11',
    prices: [
      { name: /gpt-5[\d.]*-pro/i, input: 15, output: 120 },
      { name: /gpt-5[\d.]*(-codex)?-mini/i, input: 0.25, output: 2 },
      { name: /gpt-5[\d.]*-nano/i, input: 0.05, output: 0.4 },
      { name: /gpt-5/i, input: 1.25, output: 10 },
      { name: /gpt-4\.1-mini/i, input: 0.4, output: 1.6 },
      { name: /gpt-4\.1-nano/i, input: 0.1, output: 0.4 },
      { name: /gpt-4\.1/i, input: 2, output: 8 },
      { name: /gpt-4o-mini/i, input: 0.15, output: 0.6 },
      { name: /gpt-4o/i, input: 2.5, output: 10 },
      { name: /^o4-mini/i, input: 1.1, output: 4.4 },
      { name: /^o3($|-\d)/i, input: 2, output: 8 },
    ],
  },
];

/** A model that nobody knows costs as much as the dearest that is known, so that a cap is never passed unseen. */
const dearest = { input: 15, output: 120 };

function priceOf(model: string): Price | undefined {
  return lists.flatMap((list) => list.prices).find((price) => price.name.test(model));
}

/** Whether a model's price is known; the cost of one whose price is not is the dearest that is known. */
export function isPriced(model: string): boolean {
  return priceOf(model) !== undefined;
}

/** What a call cost, in USD. */
export function costUsd(model: string, inputTokens: number, outputTokens: number): number {
  const price = priceOf(model) ?? dearest;
  return (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}
