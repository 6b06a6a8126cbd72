/** USD for a million tokens in and out; approximate list prices, by what a model's name contains, first match wins. */
const prices: readonly { name: RegExp; input: number; output: number }[] = [
  { name: /opus/i, input: 15, output: 75 },
  { name: /sonnet/i, input: 3, output: 15 },
  { name: /haiku/i, input: 0.25, output: 1.25 },
  { name: /gemini.*flash-lite/i, input: 0.1, output: 0.4 },
  { name: /gemini.*flash/i, input: 0.3, output: 2.5 },
  { name: /gemini.*pro/i, input: 1.25, output: 10 },
];

/** A model that nobody knows costs as much as the dearest that is known, so that a cap is never passed unseen. */
const dearest = { input: 15, output: 75 };

/** What a call cost, in USD. */
export function costUsd(model: string, inputTokens: number, outputTokens: number): number {
  const price = prices.find((row) => row.name.test(model)) ?? dearest;
  return (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}
