import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Actor, BrandEvent } from '../contract/events.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import { TicketDraft, type TicketState } from '../contract/tickets.ts';
import { decideTicket, type TicketCommand } from './ticket-decider.ts';
import { evolveTicket } from './ticket-fold.ts';
import { EDGES, failedAttempts, hasFailed, openAttempt, type Ticket } from './ticket.ts';

/** The gate's word that nothing is left for a person to decide. */
const cleared = { name: 'checkpoints' as const, outcome: 'pass' as const, detail: '', durationMs: 0 };

const id = 'T-shop-1' as TicketId;
const commits = ['a', 'b'].map((letter) => letter.repeat(40));
const commitOf = (n: number) => commits[n % 2] ?? 'a'.repeat(40);
const attemptOf = (n: number) => `${id}.${n + 1}` as AttemptId;
const runOf = (n: number) => `R-run-${n}` as RunId;

const operator: Actor = { kind: 'operator', door: 'cli' };
const core: Actor = { kind: 'core', part: 'test' };

const content = (title: string) => ({
  draft: TicketDraft.parse({ title, command: 'true', acceptance: ['true'] }),
  runtime: 'command' as const,
  repository: 'shop',
  hash: `hash of ${title}`,
  contract: 'c',
  checks: { setup: 'none', test: 'none', lint: 'none', count: 'exit' },
});

const actor: fc.Arbitrary<Actor> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(operator) },
  { weight: 6, arbitrary: fc.constant(core) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      run: fc.nat({ max: 3 }).map(runOf),
      role: fc.constantFrom('ticket-executor', 'verifier'),
    }),
  },
);

const attempt = fc.nat({ max: 3 }).map(attemptOf);
const commit = fc.nat({ max: 1 }).map(commitOf);
const verdict = fc.constantFrom('pass' as const, 'pass' as const, 'fail' as const, 'unverified' as const);
const done = { summary: 'done', commands: [], files: [] };

const command: fc.Arbitrary<TicketCommand> = fc.oneof(
  fc
    .constantFrom('One', 'Two')
    .map((title): TicketCommand => ({ type: 'draft', ticket: id, predecessor: null, ...content(title) })),
  fc.constantFrom('One', 'Two').map((title): TicketCommand => ({ type: 'edit', ...content(title) })),
  fc.constantFrom('hash of One', 'hash of Two').map((hash): TicketCommand => ({ type: 'approve', hash })),
  fc.constant<TicketCommand>({ type: 'return', note: 'more' }),
  fc.constant<TicketCommand>({ type: 'comment', text: 'seen' }),
  fc.constant<TicketCommand>({ type: 'reassign', runtime: 'scripted', hash: 'hash of Two' }),
  fc.constant<TicketCommand>({ type: 'block', reason: 'operator', detail: 'not now', successor: null }),
  fc.record({
    type: fc.constant('start-attempt' as const),
    attempt,
    run: fc.nat({ max: 3 }).map(runOf),
    base: commit,
  }),
  fc.record({ attempt, commit }).map((of): TicketCommand => ({
    type: 'submit-result',
    attempt: of.attempt,
    result: { ticket: id, commit: of.commit, ...done },
  })),
  fc.record({ type: fc.constant('accept-candidate' as const), attempt, commit, commits: fc.constant(1) }),
  fc.record({ attempt, commit, verdict, run: fc.nat({ max: 3 }).map(runOf) }).map((of): TicketCommand => ({
    type: 'submit-verdict',
    attempt: of.attempt,
    run: of.run,
    verdict: { ticket: id, commit: of.commit, verdict: of.verdict, reasons: [] },
  })),
  fc.record({ attempt, commit, verdict }).map((of): TicketCommand => ({
    type: 'report-gate',
    report: {
      attempt: of.attempt,
      onto: commitOf(0),
      candidate: of.commit,
      tree: 't',
      outcome: of.verdict,
      conditions: [cleared],
    },
  })),
  fc.record({
    type: fc.constant('end-attempt' as const),
    attempt,
    outcome: fc.constantFrom('failed' as const, 'unverified' as const, 'interrupted' as const),
    reason: fc.constant('ended'),
    counts: fc.boolean(),
    death: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('merge' as const),
    attempt,
    candidate: commit,
    commit,
    branch: fc.constant('main'),
  }),
  fc.record({ type: fc.constant('begin-merge' as const), attempt, candidate: commit, commit, onto: commit }),
  fc.constant<TicketCommand>({ type: 'publish', rule: 'push', outcome: 'done', detail: '' }),
);

/** Steps that a core would take, so that random lives get far: what comes next, or an end of the attempt. */
const sensible = fc.constantFrom('onward', 'onward', 'onward', 'onward', 'onward', 'onward', 'onward', 'end');

/** What comes next in a life that goes well. */
function onward(ticket: Ticket | null): string {
  const open = ticket && openAttempt(ticket);
  if (!ticket || ticket.state === 'draft') return 'approve';
  if (!open) return 'start';
  const of = (one: { attempt: AttemptId }) => one.attempt === open.id;
  if (open.state === 'running') return ticket.results.some(of) ? 'candidate' : 'result';
  if (!ticket.verdicts.some(of)) return 'verdict';
  if (!ticket.gates.some(({ report }) => of(report))) return 'gate';
  return ticket.landing ? 'merge' : 'begin';
}

function sensibly(ticket: Ticket | null, what: string): [TicketCommand, Actor] {
  const n = Math.max(0, (ticket?.attempts.length ?? 0) - 1);
  const open = attemptOf(n);
  const own = commitOf(n);
  switch (what === 'onward' ? onward(ticket) : what) {
    case 'approve':
      return [{ type: 'approve', hash: ticket?.hash ?? '' }, operator];
    case 'start':
      return [
        { type: 'start-attempt', attempt: attemptOf(ticket?.attempts.length ?? 0), run: runOf(n), base: own },
        core,
      ];
    case 'result':
      return [{ type: 'submit-result', attempt: open, result: { ticket: id, commit: own, ...done } }, core];
    case 'candidate':
      return [{ type: 'accept-candidate', attempt: open, commit: own, commits: 1 }, core];
    case 'verdict':
      return [
        {
          type: 'submit-verdict',
          attempt: open,
          run: runOf(9),
          verdict: { ticket: id, commit: own, verdict: 'pass', reasons: [] },
        },
        { kind: 'run', run: runOf(9), role: 'verifier' },
      ];
    case 'gate':
      return [
        {
          type: 'report-gate',
          report: {
            attempt: open,
            onto: own,
            candidate: own,
            tree: 't',
            outcome: 'pass',
            conditions: [cleared],
          },
        },
        core,
      ];
    case 'begin':
      return [{ type: 'begin-merge', attempt: open, candidate: own, commit: own, onto: own }, core];
    case 'merge':
      return [{ type: 'merge', attempt: open, candidate: own, commit: own, branch: 'main' }, core];
    default:
      return [{ type: 'end-attempt', attempt: open, outcome: 'failed', reason: 'ended', counts: true }, core];
  }
}

/** Applies one command; gives the ticket before and after, and the events between. */
function apply(ticket: Ticket | null, given: TicketCommand, by: Actor, position: number) {
  const decision = decideTicket(ticket, given, by);
  const events: BrandEvent[] = decision.ok ? decision.value : [];
  const after = events.reduce<Ticket | null>((state, event, index) => {
    const version = (state?.version ?? 0) + 1;
    const recorded = {
      ...event,
      position: position + index,
      stream: `ticket/${id}`,
      version,
      actor: by,
      at: '2026-05-07T06:00:00Z',
    };
    return evolveTicket(state, recorded);
  }, ticket);
  return { decision, events, after };
}

const lives = fc.array(
  fc.oneof({ weight: 4, arbitrary: sensible }, { weight: 1, arbitrary: fc.tuple(command, actor) }),
  {
    minLength: 10,
    maxLength: 60,
    size: 'max',
  },
);

/** Plays a life and shows each step. */
function play(
  life: readonly (string | [TicketCommand, Actor])[],
  look: (step: {
    before: Ticket | null;
    after: Ticket | null;
    events: BrandEvent[];
    by: Actor;
    given: TicketCommand;
    ok: boolean;
  }) => void,
): Ticket | null {
  let ticket = apply(
    null,
    { type: 'draft', ticket: id, predecessor: null, ...content('One') },
    operator,
    1,
  ).after;
  for (const [index, step] of life.entries()) {
    const [given, by] = typeof step === 'string' ? sensibly(ticket, step) : step;
    const { decision, events, after } = apply(ticket, given, by, index * 10);
    look({ before: ticket, after, events, by, given, ok: decision.ok });
    ticket = after;
  }
  return ticket;
}

const RANK: Record<TicketState, number> = {
  draft: 0,
  ready: 1,
  in_progress: 2,
  verifying: 3,
  merged: 4,
  blocked: 4,
};

describe('the decider and the fold together', () => {
  test('states move along the edges and never backward; an end is an end', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(lives, (life) => {
        play(life, ({ before, after }) => {
          if (!before || !after || before.state === after.state) return;
          seen.add(after.state);
          expect(EDGES[before.state]).toContain(after.state);
          expect(RANK[after.state]).toBeGreaterThan(RANK[before.state]);
        });
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual(['blocked', 'in_progress', 'merged', 'ready', 'verifying']);
  });

  test('only the operator approves, sends back and reassigns; no run edits; only the core starts, judges and merges', () => {
    const allowed: Partial<Record<BrandEvent['type'], Actor['kind'][]>> = {
      'ticket.approved': ['operator'],
      'ticket.edited': ['operator', 'core'],
      'ticket.returned': ['operator'],
      'ticket.reassigned': ['operator'],
      'ticket.started': ['core'],
      'attempt.started': ['core'],
      'ticket.submitted': ['core'],
      'gate.reported': ['core'],
      'merge.began': ['core'],
      'ticket.merged': ['core'],
      'verdict.submitted': ['run'],
      'ticket.blocked': ['operator', 'core'],
    };
    fc.assert(
      fc.property(lives, (life) => {
        play(life, ({ events, by }) => {
          for (const event of events) {
            const kinds = allowed[event.type];
            if (kinds) expect(kinds, event.type).toContain(by.kind);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test('what merges was approved as it reads, has a passing verdict and gate of that commit, and never failed', () => {
    fc.assert(
      fc.property(lives, (life) => {
        play(life, ({ before, events }) => {
          const merged = events.find((event) => event.type === 'merge.began');
          const landed = events.find((event) => event.type === 'ticket.merged');
          if (landed) expect(before?.landing).toMatchObject({ commit: landed.data.commit });
          if (!merged || !before) return;
          const commit = merged.data.candidate;
          expect(before.approvedHash).toBe(before.hash);
          expect(before.candidate).toMatchObject({ commit, attempt: merged.data.attempt });
          expect(before.verdicts.filter((one) => one.verdict.commit === commit).at(-1)?.verdict.verdict).toBe(
            'pass',
          );
          expect(
            before.verdicts.every(
              (one) => !before.attempts.some((own) => own.run === one.run && own.id === one.attempt),
            ),
          ).toBe(true);
          expect(before.gates.at(-1)?.report).toMatchObject({ candidate: commit, outcome: 'pass' });
          expect(hasFailed(before, commit)).toBe(false);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('at most one attempt is open, the third failed one is a dead letter, the third death sets it aside', () => {
    fc.assert(
      fc.property(lives, (life) => {
        const last = play(life, ({ after }) => {
          if (!after) return;
          const open = after.attempts.filter((one) => one.endedAt === null);
          expect(open.length).toBeLessThanOrEqual(1);
          expect(openAttempt(after)).toBe(open[0]);
          if (after.state === 'blocked' || after.state === 'merged') expect(open).toEqual([]);
          if (failedAttempts(after) >= 3) expect(after.blocked?.reason).toBe('dead-letter');
          else if (after.deaths >= 3) expect(after.blocked?.reason).toBe('crash-loop');
        });
        expect(failedAttempts(last as Ticket)).toBeLessThanOrEqual(3);
      }),
      { numRuns: 300 },
    );
  });

  test('versions of artifacts count up from one, and none is lost', () => {
    fc.assert(
      fc.property(lives, (life) => {
        const last = play(life, () => undefined) as Ticket;
        for (const list of [last.results, last.verdicts, last.gates])
          expect(list.map((one) => one.version)).toEqual(list.map((_, index) => index + 1));
      }),
      { numRuns: 200 },
    );
  });

  test('a refusal says what, where and why, and changes nothing', () => {
    fc.assert(
      fc.property(lives, (life) => {
        play(life, ({ ok, before, after, events }) => {
          if (ok) return;
          expect(events).toEqual([]);
          expect(after).toBe(before);
        });
      }),
      { numRuns: 200 },
    );
  });
});
