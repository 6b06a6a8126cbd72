import { expect, test } from 'vitest';
import type { Actor, BrandEvent } from '../contract/events.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import type { QuestionView } from '../contract/tickets.ts';
import { CONFLICT_CHOICES, decideQuestion, type QuestionCommand } from './questions.ts';

const attempt = 'T-shop-1.2' as AttemptId;
const conflict: QuestionView = {
  id: 'conflict-T-shop-1.2',
  run: null,
  about: 'conflict',
  text: 'it does not merge with main: notes.txt',
  choices: [...CONFLICT_CHOICES],
  at: '2026-05-07T06:00:00Z',
  answer: null,
  answeredAt: null,
};
const ticket = {
  id: 'T-shop-1' as TicketId,
  state: 'verifying' as const,
  candidate: { attempt },
  questions: [conflict],
};
const operator: Actor = { kind: 'operator', door: 'cli' };
const ended: BrandEvent = {
  type: 'attempt.ended',
  data: { attempt, outcome: 'interrupted', reason: '', counts: false, death: false },
};
const decided = (command: QuestionCommand, actor: Actor) =>
  decideQuestion(ticket, command, actor, () => [ended], []);
const answered = (answer: string) => {
  const decision = decided({ type: 'answer', question: conflict.id, answer }, operator);
  return decision.ok ? decision.value.map(({ type }) => type) : decision.failure;
};

test('a candidate that does not merge is done again by any words of the operator’s but a no, which blocks its ticket', () => {
  const again = ['question.answered', 'attempt.ended'];
  expect(answered(CONFLICT_CHOICES[0])).toEqual(again);
  expect(answered('Now that you say so: keep what is on the branch')).toEqual(again);
  expect(answered(CONFLICT_CHOICES[1])).toEqual([...again, 'ticket.blocked']);
  expect(answered('no')).toEqual([...again, 'ticket.blocked']);
});

test('nobody but Atrium asks about a conflict, and only of the candidate that it looks at', () => {
  const command: QuestionCommand = {
    type: 'ask-about-conflict',
    question: 'conflict-1',
    attempt,
    text: 'no',
  };
  const run: Actor = { kind: 'run', run: 'R-shop-1' as RunId, role: 'ticket-executor' };
  const core: Actor = { kind: 'core', part: 'gate' };
  expect(decided(command, run)).toMatchObject({ failure: { code: 'not-authorized' } });
  expect(decided(command, operator)).toMatchObject({ failure: { code: 'not-authorized' } });
  expect(decided({ ...command, attempt: 'T-shop-1.1' as AttemptId }, core)).toMatchObject({
    failure: { code: 'refused-transition' },
  });
  expect(decided(command, core)).toMatchObject({ value: [{ type: 'question.asked', data: { run: null } }] });
});
