import { describe, expect, test } from 'vitest';
import type { Actor } from '../contract/events.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import { TicketDraft, type ModeDecision } from '../contract/tickets.ts';
import { approvedPlan, MAX_FAILED_PLANS, planState, reviewable } from './plan-gate.ts';
import { decideTicket, type TicketCommand } from './ticket-decider.ts';
import { evolveTicket } from './ticket-fold.ts';
import { failedAttempts, type Ticket } from './ticket.ts';

const id = 'T-shop-1' as TicketId;
const operator: Actor = { kind: 'operator', door: 'cli' };
const core: Actor = { kind: 'core', part: 'test' };
const base = 'a'.repeat(40);
const runOf = (n: number) => `R-run-${n}` as RunId;
const as = (n: number, role = 'ticket-executor'): Actor => ({ kind: 'run', run: runOf(n), role });

/** A ticket that is told one thing after another. */
function telling(review: ModeDecision['review'] = 'reviewer') {
  let ticket: Ticket | null = null;
  let position = 0;
  const tell = (command: TicketCommand, actor: Actor) => {
    const decision = decideTicket(ticket, command, actor);
    if (!decision.ok) return decision.failure.code;
    for (const event of decision.value) {
      position += 1;
      const envelope = { position, stream: `ticket/${id}`, version: position, actor, at: '2026-01-01' };
      ticket = evolveTicket(ticket, { ...envelope, ...event });
    }
    return 'ok';
  };
  tell(
    {
      type: 'draft',
      ticket: id,
      predecessor: null,
      draft: TicketDraft.parse({ title: 'One' }),
      runtime: 'gemini',
      repository: 'shop',
      hash: 'h',
      contract: 'c',
      checks: { setup: 'none', test: 'none', lint: 'none', count: 'exit' },
      modeDecision: { mode: 'plan_first', rule: 'test', reason: 'a test', review },
    },
    operator,
  );
  tell({ type: 'approve', hash: 'h' }, operator);
  return { tell, get: () => ticket as unknown as Ticket };
}

const result = { ticket: id, commit: 'b'.repeat(40), summary: 'done', commands: [], files: [] };
const attempt = `${id}.1` as AttemptId;
const startAttempt = { type: 'start-attempt' as const, attempt, run: runOf(9), base };

describe('the plan gate', () => {
  test('nothing is carried out before the plan is approved, and the plan is no attempt', () => {
    const { tell, get } = telling();
    expect(tell(startAttempt, core)).toBe('not-authorized');
    expect(tell({ type: 'start-plan', run: runOf(1), base }, core)).toBe('ok');
    expect(get().state).toBe('in_progress');
    expect(tell({ type: 'submit-result', attempt, result }, as(1))).toBe('refused-transition');
    expect(tell({ type: 'submit-plan', run: runOf(2), text: 'stolen' }, as(2))).toBe('not-authorized');
    expect(tell({ type: 'submit-plan', run: runOf(1), text: 'first' }, as(1))).toBe('ok');
    expect(tell({ type: 'end-plan', run: runOf(1), reason: 'done', interrupted: false }, core)).toBe('ok');
    expect(planState(get().plan)).toBe('waiting');
    expect(tell(startAttempt, core)).toBe('not-authorized');
    expect(tell({ type: 'start-plan', run: runOf(3), base }, core)).toBe('refused-transition');
    expect(tell({ type: 'approve-plan', version: 1, note: '' }, operator)).toBe('ok');
    expect(get().attempts).toEqual([]);
    expect(tell(startAttempt, core)).toBe('ok');
    expect(tell({ type: 'submit-result', attempt, result }, as(9))).toBe('ok');
  });

  test('a revision makes a second version, and the first stays readable', () => {
    const { tell, get } = telling();
    tell({ type: 'start-plan', run: runOf(1), base }, core);
    tell({ type: 'submit-plan', run: runOf(1), text: 'first' }, as(1));
    tell({ type: 'end-plan', run: runOf(1), reason: 'done', interrupted: false }, core);
    expect(tell({ type: 'revise-plan', version: 1, note: 'smaller' }, operator)).toBe('ok');
    tell({ type: 'start-plan', run: runOf(2), base }, core);
    tell({ type: 'submit-plan', run: runOf(2), text: 'second' }, as(2));
    expect(tell({ type: 'approve-plan', version: 1, note: '' }, operator)).toBe('version-conflict');
    expect(tell({ type: 'approve-plan', version: 2, note: '' }, operator)).toBe('ok');
    expect(get().plan.versions.map(({ text, review }) => [text, review?.decision, review?.note])).toEqual([
      ['first', 'revision', 'smaller'],
      ['second', 'approved', ''],
    ]);
    expect(approvedPlan(get().plan)?.version).toBe(2);
  });

  test('whoever wrote a version reviews none, nor does a run that was not started to', () => {
    const { tell, get } = telling();
    tell({ type: 'start-plan', run: runOf(1), base }, core);
    tell({ type: 'submit-plan', run: runOf(1), text: 'first' }, as(1));
    expect(tell({ type: 'approve-plan', version: 1, note: '' }, as(1))).toBe('not-authorized');
    tell({ type: 'end-plan', run: runOf(1), reason: 'done', interrupted: false }, core);
    tell({ type: 'revise-plan', version: 1, note: 'more' }, operator);
    tell({ type: 'start-plan', run: runOf(2), base }, core);
    tell({ type: 'submit-plan', run: runOf(2), text: 'second' }, as(2));
    tell({ type: 'end-plan', run: runOf(2), reason: 'done', interrupted: false }, core);
    expect(reviewable(get())).toBe(true);
    for (const author of [1, 2])
      expect(tell({ type: 'start-plan-review', version: 2, run: runOf(author) }, core)).toBe(
        'not-authorized',
      );
    expect(tell({ type: 'approve-plan', version: 2, note: '' }, as(3, 'verifier'))).toBe('not-authorized');
    expect(tell({ type: 'start-plan-review', version: 2, run: runOf(3) }, core)).toBe('ok');
    for (const author of [1, 2])
      expect(tell({ type: 'approve-plan', version: 2, note: '' }, as(author, 'verifier'))).toBe(
        'not-authorized',
      );
    expect(tell({ type: 'approve-plan', version: 2, note: '' }, as(3, 'verifier'))).toBe('ok');
  });

  test('a plan that the operator alone decides about has no reviewer', () => {
    const { tell, get } = telling('operator');
    tell({ type: 'start-plan', run: runOf(1), base }, core);
    tell({ type: 'submit-plan', run: runOf(1), text: 'first' }, as(1));
    tell({ type: 'end-plan', run: runOf(1), reason: 'done', interrupted: false }, core);
    expect(reviewable(get())).toBe(false);
    expect(tell({ type: 'start-plan-review', version: 1, run: runOf(3) }, core)).toBe('refused-transition');
  });

  test('planning runs without a plan count against no attempt, and the third is told to a person', () => {
    const { tell, get } = telling();
    for (let run = 1; run <= MAX_FAILED_PLANS; run += 1) {
      tell({ type: 'start-plan', run: runOf(run), base }, core);
      tell({ type: 'end-plan', run: runOf(run), reason: 'it said nothing', interrupted: false }, core);
    }
    expect(failedAttempts(get())).toBe(0);
    expect(get().blocked?.reason).toBe('dead-letter');
  });
});
