import fc from 'fast-check';

/** One step of a random life; numbers stand for tickets that are there by then (modulo their count, one past the end included). */
export type Step =
  | { do: 'draft' | 'edit'; ticket: number; title: number; dependsOn: number[]; parent: number | null }
  | { do: 'approve'; ticket: number; hash: 'shown' | 'stale' | 'wrong' | 'of-another' }
  | { do: 'return' | 'block' | 'comment' | 'succeed'; ticket: number }
  | { do: 'reassign'; ticket: number; runtime: 'command' | 'scripted' }
  | { do: 'repeat'; earlier: number }
  | { do: 'core-starts'; ticket: number }
  | { do: 'core-ends'; ticket: number; how: 'failed' | 'death' | 'stopped' | 'gate-fails' | 'merged' };

const ticket = fc.nat({ max: 7 });

const text = {
  title: fc.nat({ max: 3 }),
  dependsOn: fc.oneof(
    { weight: 3, arbitrary: fc.constant([] as number[]) },
    { weight: 4, arbitrary: fc.uniqueArray(ticket, { minLength: 1, maxLength: 2 }) },
  ),
  parent: fc.option(ticket, { freq: 4 }),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('draft' as const), ticket, ...text }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('edit' as const), ticket, ...text }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('approve' as const),
      ticket,
      hash: fc.constantFrom('shown', 'shown', 'shown', 'stale', 'wrong', 'of-another'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('return', 'block', 'comment', 'succeed'), ticket }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reassign' as const),
      ticket,
      runtime: fc.constantFrom('command', 'scripted'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('repeat' as const), earlier: fc.nat() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('core-starts' as const), ticket }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('core-ends' as const),
      ticket,
      how: fc.constantFrom('failed', 'death', 'stopped', 'gate-fails', 'merged', 'merged'),
    }),
  },
);

/** A life of a brand: it begins with a draft, so that there is something to act on. */
export const life: fc.Arbitrary<Step[]> = fc
  .array(step, { minLength: 5, maxLength: 40, size: 'max' })
  .map((steps) => [{ do: 'draft', ticket: 0, title: 0, dependsOn: [], parent: null }, ...steps]);

/** The same, without what only the core does and without what happens by itself. */
export const operatorsLife: fc.Arbitrary<Step[]> = life.map((steps) =>
  steps
    .slice(0, 25)
    .filter((one) => one.do !== 'core-starts' && one.do !== 'core-ends')
    .map((one) => ('dependsOn' in one ? { ...one, dependsOn: [] } : one)),
);
