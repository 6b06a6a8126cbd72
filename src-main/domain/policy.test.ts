import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentContract } from '../contract/config.ts';
import { ToolKind } from '../contract/policy.ts';
import {
  evaluate,
  INVARIANTS,
  placeOf,
  rulesOf,
  toolKind,
  type Action,
  type Geography,
  type Place,
  type Rule,
} from './policy.ts';

const kinds = ToolKind.options;
const allPlaces: Place[] = [
  'state',
  'ticket-state',
  'git-internals',
  'ticket-paths',
  'checkout',
  'wiki/<brand>',
  'wiki/_global',
  'wiki/other',
  'elsewhere',
];

const kind = fc.constantFrom(...kinds);
const action: fc.Arbitrary<Action> = fc.record({
  kind,
  places: fc.array(fc.constantFrom(...allPlaces), { maxLength: 3 }),
});
const rule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constantFrom('one', 'two', 'three'),
  decision: fc.constantFrom('allow', 'deny', 'ask'),
  kinds: fc.uniqueArray(kind, { maxLength: 9 }),
  places: fc.oneof(fc.constant('any' as const), fc.uniqueArray(fc.constantFrom(...allPlaces))),
  reason: fc.constant(''),
});

const applies = (one: Rule, { kind: asked, places }: Action, place: Place | null) =>
  one.kinds.includes(asked) &&
  (one.places === 'any' || (place === null ? false : places.includes(place) && one.places.includes(place)));

const contract = (over: Partial<AgentContract> = {}): AgentContract => ({
  name: 'ticket-executor',
  description: 'x',
  reads: ['checkout'],
  writes: ['checkout'],
  tools: ['read', 'search', 'edit', 'execute', 'fetch', 'report'],
  network: 'ticket',
  calls: ['result'],
  modelClass: 'medium',
  owns: [],
  mayCall: [],
  rules: [],
  instructions: '',
  digest: '',
  ...over,
});

describe('evaluate', () => {
  test('deny wins over ask, ask over allow, in whatever order the rows stand; what no row allows is denied', () => {
    fc.assert(
      fc.property(action, fc.array(rule, { maxLength: 8 }), (asked, rules) => {
        const places: (Place | null)[] = asked.places.length > 0 ? asked.places : [null];
        const some = (decision: Rule['decision']) =>
          places.some((place) =>
            rules.some((one) => one.decision === decision && applies(one, asked, place)),
          );
        const all = places.every((place) =>
          rules.some((one) => one.decision === 'allow' && applies(one, asked, place)),
        );
        const expected = some('deny') ? 'deny' : some('ask') ? 'ask' : all ? 'allow' : 'deny';
        expect(evaluate(asked, rules).decision).toBe(expected);
        expect(evaluate(asked, [...rules].reverse()).decision).toBe(expected);
      }),
    );
  });

  test('without rows everything is denied by default', () => {
    fc.assert(
      fc.property(
        action,
        (asked) => void expect(evaluate(asked, [])).toMatchObject({ decision: 'deny', rule: 'default-deny' }),
      ),
    );
  });

  test('no contract lets a run outside its walls, spawn, ask, or edit what is not its own', () => {
    const some = fc.record({
      reads: fc.uniqueArray(
        fc.constantFrom('checkout' as const, 'wiki/<brand>' as const, 'wiki/_global' as const),
      ),
      writes: fc.uniqueArray(
        fc.constantFrom('checkout' as const, 'wiki/<brand>' as const, 'wiki/_global' as const),
      ),
      tools: fc.uniqueArray(
        fc.constantFrom(
          'read' as const,
          'search' as const,
          'edit' as const,
          'execute' as const,
          'fetch' as const,
          'report' as const,
        ),
      ),
    });
    fc.assert(
      fc.property(some, action, (over, asked) => {
        const own = contract(over);
        const { decision } = evaluate(asked, [...INVARIANTS, ...rulesOf(own)]);
        const outside = asked.places.some((place) => ['state', 'elsewhere', 'wiki/other'].includes(place));
        const wrongEdit =
          asked.kind === 'edit' &&
          asked.places.some((place) => ['ticket-state', 'git-internals', 'checkout'].includes(place));
        const foreignKind =
          ['spawn', 'ask', 'other'].includes(asked.kind) || !(own.tools as string[]).includes(asked.kind);
        if (outside || wrongEdit || foreignKind) expect(decision).toBe('deny');
      }),
    );
  });

  test('the executor edits the paths of its ticket and reads its checkout', () => {
    const rules = [...INVARIANTS, ...rulesOf(contract())];
    expect(evaluate({ kind: 'edit', places: ['ticket-paths'] }, rules).decision).toBe('allow');
    expect(evaluate({ kind: 'read', places: ['checkout', 'ticket-paths'] }, rules).decision).toBe('allow');
    expect(evaluate({ kind: 'edit', places: ['ticket-paths', 'checkout'] }, rules).rule).toBe('default-deny');
    expect(evaluate({ kind: 'edit', places: ['ticket-state'] }, rules).rule).toBe('ticket-state-guard');
    expect(evaluate({ kind: 'spawn', places: [] }, rules).rule).toBe('no-spawn');
  });
});

const geography: Geography = {
  brand: 'shop',
  workspace: '/ws',
  checkouts: ['/ws/checkouts/shop/T-shop-1'],
  inTicket: (path) => path.startsWith('src/'),
};

describe('placeOf', () => {
  test.each<[string, Place]>([
    ['/ws/checkouts/shop/T-shop-1/src/a.ts', 'ticket-paths'],
    ['/ws/checkouts/shop/T-shop-1/README.md', 'checkout'],
    ['/ws/checkouts/shop/T-shop-1', 'checkout'],
    ['/ws/checkouts/shop/T-shop-1/.git/config', 'git-internals'],
    ['/ws/checkouts/shop/T-shop-10/src/a.ts', 'elsewhere'],
    ['/ws/checkouts/other/T-other-1/src/a.ts', 'elsewhere'],
    ['/ws/.atrium/brands/shop/brand.db', 'state'],
    ['/ws/.atrium', 'state'],
    ['/ws/wiki/shop/a.md', 'wiki/<brand>'],
    ['/ws/wiki/shopping/a.md', 'wiki/other'],
    ['/ws/wiki/_global/a.md', 'wiki/_global'],
    ['/ws/wiki', 'elsewhere'],
    ['/ws/brands/shop/tickets.jsonl', 'ticket-state'],
    ['/wsx/wiki/shop/a.md', 'elsewhere'],
    ['/etc/passwd', 'elsewhere'],
  ])('%s lies in %s', (path, place) => {
    expect(placeOf(path, geography)).toBe(place);
  });

  test('the tickets of another brand are no less outside than its other files', () => {
    const rules = [...INVARIANTS, ...rulesOf(contract())];
    for (const path of [
      '/ws/brands/other/tickets.jsonl',
      '/ws/checkouts/other/T-other-1/tickets.json',
      '/home/x/tickets.jsonl',
    ])
      for (const asked of ['read', 'search', 'edit'] as const)
        expect(
          evaluate({ kind: asked, places: [placeOf(path, geography)] }, rules).decision,
          `${asked} ${path}`,
        ).toBe('deny');
  });
});

test('tools that nobody knows are of no known kind', () => {
  expect(toolKind('WriteFile2')).toBe('other');
  expect(toolKind('Bash')).toBe('execute');
  expect(toolKind('constructor')).toBe('other');
  expect(toolKind('__proto__')).toBe('other');
});
