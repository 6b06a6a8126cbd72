/** USD for a million tokens in, read from a cache or not, and out. */
interface Rate {
  input: number;
  output: number;
}

interface Price extends Rate {
  /** What the name of a model contains. */
  name: RegExp;
  /** Of a call with more than `over` tokens in. */
  long?: Rate & { over: number };
}

/** OpenAI's newer models: a call with more than 272,000 tokens in costs twice as much for them, and half as much again for the answer. */
function withLong(name: RegExp, input: number, output: number): Price {
  return { name, input, output, long: { over: 272_000, input: input * 2, output: output * 1.5 } };
}

/**
 * Approximate list prices by vendor, with when they were looked up; the first match wins. OpenAI's and Anthropic's are those of
 * their pages of models and prices (developers.openai.com/api/docs, platform.claude.com/docs), for the usual service tier; where
 * what was found of a price that fell does not agree, the dearer stands here. A model of OpenAI's that is none of these is not
 * taken for its family: a newer one may cost more.
 */
const lists: readonly { vendor: string; asOf: string; prices: readonly Price[] }[] = [
  {
    vendor: 'Anthropic',
    asOf: '2026-11',
    prices: [
      { name: /fable|mythos/i, input: 10, output: 50 },
      { name: /opus-5-5/i, input: 4, output: 20 },
      { name: /opus-(5|4-[5-9])/i, input: 5, output: 25 },
      { name: /opus/i, input: 15, output: 75 },
      { name: /sonnet-5/i, input: 2, output: 10 },
      { name: /sonnet/i, input: 3, output: 15 },
      {
        name: /haiku-5-5/i,
        input: 0.1,
        output: 0.5,
        long: { over: 100_000, input: 0.5, output: 2.5 },
      },
      { name: /3-5-haiku/i, input: 0.8, output: 4 },
      { name: /3-haiku/i, input: 0.25, output: 1.25 },
      { name: /haiku/i, input: 1, output: 5 },
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
      withLong(/gpt-6-astra/i, 10, 50),
      withLong(/gpt-6(\.1)?-sol/i, 2, 10),
      withLong(/gpt-6\.1-terra/i, 1, 5),
      withLong(/gpt-6-luna/i, 0.1, 0.5),
      withLong(/gpt-5\.6-sol/i, 5, 30),
      withLong(/gpt-5\.6-terra/i, 2, 12),
      withLong(/gpt-5\.6-luna/i, 0.2, 1.2),
      withLong(/gpt-5\.[45]-pro/i, 30, 180),
      withLong(/gpt-5\.5($|-\d)/i, 5, 30),
      withLong(/gpt-5\.4-mini/i, 0.75, 4.5),
      withLong(/gpt-5\.4-nano/i, 0.2, 1.25),
      withLong(/gpt-5\.4($|-\d)/i, 2.5, 15),
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
const dearest = withLong(/^/, 30, 180);

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
  const { input, output } = price.long !== undefined && inputTokens > price.long.over ? price.long : price;
  return (inputTokens * input + outputTokens * output) / 1_000_000;
}
