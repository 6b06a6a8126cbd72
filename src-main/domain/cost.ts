interface Price {
  /** What the name of a model contains. */
  name: RegExp;
  /** USD for a million tokens in, read from a cache or not, and out. */
  input: number;
  output: number;
  /** A call with more than 272,000 tokens in costs twice as much for what goes in and half as much again for what comes out. */
  long?: true;
}

/**
 * Approximate list prices by vendor, with when they were looked up; the first match wins. OpenAI's are those of its pages of
 * models and prices (developers.openai.com/api/docs), its usual service tier; where a price fell and what was found does not agree
 * on it, the dearer stands here. A model that is none of these is not guessed at by its family: a newer one may cost more.
 */
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
    asOf: '2026-11',
    prices: [
      { name: /gpt-6-astra/i, input: 10, output: 50, long: true },
      { name: /gpt-6(\.1)?-sol/i, input: 2, output: 10, long: true },
      { name: /gpt-6\.1-terra/i, input: 1, output: 5, long: true },
      { name: /gpt-6-luna/i, input: 0.1, output: 0.5, long: true },
      { name: /gpt-5\.6-sol/i, input: 5, output: 30, long: true },
      { name: /gpt-5\.6-terra/i, input: 2, output: 12, long: true },
      { name: /gpt-5\.6-luna/i, input: 0.2, output: 1.2, long: true },
      { name: /gpt-5\.[45]-pro/i, input: 30, output: 180, long: true },
      { name: /gpt-5\.5($|-\d)/i, input: 5, output: 30, long: true },
      { name: /gpt-5\.4-mini/i, input: 0.75, output: 4.5, long: true },
      { name: /gpt-5\.4-nano/i, input: 0.2, output: 1.25, long: true },
      { name: /gpt-5\.4($|-\d)/i, input: 2.5, output: 15, long: true },
      { name: /gpt-5\.2-pro/i, input: 21, output: 168 },
      { name: /gpt-5\.[23]($|-codex|-\d)/i, input: 1.75, output: 14 },
      { name: /gpt-5-pro/i, input: 15, output: 120 },
      { name: /gpt-5(\.1)?(-codex)?-mini/i, input: 0.25, output: 2 },
      { name: /gpt-5-nano/i, input: 0.05, output: 0.4 },
      { name: /gpt-5(\.1)?($|-codex|-chat|-\d)/i, input: 1.25, output: 10 },
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
const dearest: Omit<Price, 'name'> = { input: 30, output: 180, long: true };
/** From so many tokens in, a call is a long one. */
const LONG = 272_000;

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
  const long = price.long === true && inputTokens > LONG;
  const [input, output] = long ? [price.input * 2, price.output * 1.5] : [price.input, price.output];
  return (inputTokens * input + outputTokens * output) / 1_000_000;
}
