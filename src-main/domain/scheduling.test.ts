import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import type { TicketId } from '../contract/ids.ts';
import type { TicketState } from '../contract/tickets.ts';
import { findCycle, overlap, schedule, type Schedulable } from './scheduling.ts';

const idOf = (n: number) => `T-shop-${n}` as TicketId;

const globs = [
  'src/**',
  'src/a.ts',
  'src/*.ts',
  'docs',
  'docs/guide',
  'src/{a,b}.ts',
  '**/*.md',
  'lib/[ab].ts',
];

const tickets: fc.Arbitrary<Schedulable[]> = fc
  .array(
    fc.record({
      state: fc.constantFrom<TicketState>(
        'draft',
        'ready',
        'ready',
        'ready',
        'in_progress',
        'verifying',
        'merged',
        'blocked',
      ),
      priority: fc.integer({ min: 1, max: 5 }),
      createdAt: fc.constantFrom('2026-05-07T06:00:00Z', '2026-05-07T07:00:00Z'),
      repository: fc.constantFrom('one', 'two'),
      paths: fc.uniqueArray(fc.constantFrom(...globs), { maxLength: 2 }),
      after: fc.uniqueArray(fc.nat({ max: 9 }), { maxLength: 2 }),
      busy: fc.boolean(),
    }),
    { maxLength: 10 },
  )
  .map((rows) =>
    rows.map(({ after, ...row }, index) => ({
      ...row,
      id: idOf(index + 1),
      busy: row.busy && ['in_progress', 'verifying'].includes(row.state),
      dependsOn: after.filter((n) => n < index).map((n) => idOf(n + 1)),
    })),
  );

describe('schedule', () => {
  test('what it starts shares no file with what is busy, nor with each other, and never exceeds the slots', () => {
    fc.assert(
      fc.property(tickets, fc.nat({ max: 4 }), (all, slots) => {
        const { start } = schedule(all, slots);
        expect(start.length).toBeLessThanOrEqual(slots);
        const started = start.flatMap((id) => all.filter((ticket) => ticket.id === id));
        const atWork = [...all.filter((ticket) => ticket.busy), ...started];
        for (const one of started)
          for (const other of atWork)
            if (one !== other && one.repository === other.repository)
              expect(overlap(one.paths, other.paths), `${one.id} and ${other.id}`).toBe(false);
      }),
    );
  });

  test('it starts nothing before its dependencies are merged, and blocks what depends on what is blocked', () => {
    fc.assert(
      fc.property(tickets, fc.nat({ max: 4 }), (all, slots) => {
        const states = new Map(all.map((ticket) => [ticket.id, ticket.state]));
        const { start, block, wait } = schedule(all, slots);
        const open = all.filter(
          (ticket) => !ticket.busy && ['ready', 'in_progress', 'verifying'].includes(ticket.state),
        );
        for (const ticket of open) {
          const dead = ticket.dependsOn.some((id) => states.get(id) === 'blocked');
          expect(block.some(({ id }) => id === ticket.id)).toBe(dead);
          if (start.includes(ticket.id))
            expect(ticket.dependsOn.every((id) => states.get(id) === 'merged')).toBe(true);
        }
        const told = [...start, ...block.map(({ id }) => id), ...wait.map(({ id }) => id)];
        expect(told.sort()).toEqual(open.map(({ id }) => id).sort());
      }),
    );
  });

  test('it leaves no ticket waiting that nothing stands in the way of', () => {
    fc.assert(
      fc.property(tickets, (all) => {
        const { start, block, wait } = schedule(all, 100);
        const atWork = all.filter((ticket) => ticket.busy || start.includes(ticket.id));
        const merged = new Set(all.filter((ticket) => ticket.state === 'merged').map((ticket) => ticket.id));
        for (const { id } of wait) {
          const ticket = all.find((one) => one.id === id);
          const held =
            ticket?.dependsOn.some((other) => !merged.has(other)) === true ||
            atWork.some(
              (other) => other.repository === ticket?.repository && overlap(other.paths, ticket.paths),
            );
          expect(held, id).toBe(true);
        }
        expect(new Set([...start, ...block.map(({ id }) => id)]).size).toBe(start.length + block.length);
      }),
    );
  });

  test('with one slot the highest priority goes first, then the older one', () => {
    const base = { state: 'ready', repository: 'one', paths: [], dependsOn: [], busy: false } as const;
    const late = { ...base, id: idOf(1), priority: 1, createdAt: '2026-05-07T09:00:00Z' };
    const early = { ...base, id: idOf(2), priority: 1, createdAt: '2026-05-07T08:00:00Z' };
    const low = { ...base, id: idOf(3), priority: 2, createdAt: '2026-05-07T07:00:00Z' };
    expect(schedule([low, late, early], 1)).toMatchObject({ start: [early.id] });
  });
});

/** Paths over few names, and globs made from the path itself, so that most of them match it. */
const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.ts', 'b.ts'), { minLength: 1, maxLength: 3 });
const wild = [
  '*',
  '**',
  'a*',
  '?',
  '[ab]',
  '{a,b}',
  '*.ts',
  '@(a|b)',
  '+(a)',
  '!(a)',
  '"a"',
  'a|b',
  '\\a',
  '(a|b)',
  '**|x',
];
const globOf = (segments: readonly string[]) =>
  fc
    .tuple(
      ...segments.map((own) => fc.oneof(fc.constant(own), fc.constant(`"${own}"`), fc.constantFrom(...wild))),
    )
    .chain((made) =>
      fc.constantFrom(
        made.join('/'),
        `./${made.join('/')}`,
        made.slice(0, -1).join('/') || '**',
        `x/y|${made.join('/')}`,
      ),
    );
const meeting = path.chain((segments) =>
  fc.record({ file: fc.constant(segments.join('/')), left: globOf(segments), right: globOf(segments) }),
);

describe('overlap', () => {
  test('two globs that match one path overlap, whatever the glob is made of', () => {
    fc.assert(
      fc.property(meeting, ({ left, right, file }) => {
        const matches = (text: string) => {
          const trimmed = text.replace(/^\.\//, '');
          return picomatch(trimmed, { dot: true })(file) || file.startsWith(`${trimmed}/`);
        };
        fc.pre(matches(left) && matches(right));
        expect(overlap([left], [right]), `${left} and ${right} on ${file}`).toBe(true);
        expect(overlap([right], [left])).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('it does not hold back what cannot meet', () => {
    expect(overlap(['src/a/**'], ['src/b/**'])).toBe(false);
    expect(overlap(['src/a.ts'], ['src/a.tsx'])).toBe(false);
    expect(overlap(['docs'], ['docs-old'])).toBe(false);
    expect(overlap(['docs/'], ['docs/guide.md'])).toBe(true);
    expect(overlap([], ['docs'])).toBe(true);
  });
});

describe('findCycle', () => {
  test('it finds a cycle exactly where one is closed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 3 }), { minLength: 8, maxLength: 8 }),
        fc.nat({ max: 7 }),
        (edges, from) => {
          const dependsOn = (id: TicketId) => (edges[Number(id.slice(7))] ?? []).map(idOf);
          const reached = new Set<TicketId>();
          const queue = [...dependsOn(idOf(from))];
          for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
            if (reached.has(at)) continue;
            reached.add(at);
            queue.push(...dependsOn(at));
          }
          const cycle = findCycle(idOf(from), dependsOn(idOf(from)), dependsOn);
          expect(cycle !== null).toBe(reached.has(idOf(from)));
          if (!cycle) return;
          expect([cycle.at(0), cycle.at(-1)]).toEqual([idOf(from), idOf(from)]);
          for (const [index, id] of cycle.slice(0, -1).entries())
            expect(dependsOn(id)).toContain(cycle[index + 1]);
        },
      ),
    );
  });

  test('a long chain is no trouble', () => {
    const dependsOn = (id: TicketId) => (Number(id.slice(7)) < 5_000 ? [idOf(Number(id.slice(7)) + 1)] : []);
    expect(findCycle(idOf(1), [idOf(2)], dependsOn)).toBeNull();
  });
});
