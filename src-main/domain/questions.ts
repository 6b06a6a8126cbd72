import type { Actor, BrandEvent } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import type { RecordedEvent } from '../contract/events.ts';
import type { QuestionView, TicketState } from '../contract/tickets.ts';
import { inState, notTheirs, operatorOn, type Decision } from './authority.ts';

/** So many questions one ticket may put to the operator: a run that only asks must not fill the day. */
export const MAX_QUESTIONS = 20;

/** What can be said about the questions of a ticket. */
export type QuestionCommand =
  | { type: 'ask'; question: string; run: RunId; text: string; choices: string[] }
  | { type: 'ask-about-conflict'; question: string; attempt: AttemptId; text: string }
  | { type: 'answer'; question: string; answer: string };

/** What the operator can say where a candidate does not merge: any other words are a yes that the next run reads. */
export const CONFLICT_CHOICES = ['Do it again on the branch as it is now', 'No, block the ticket'] as const;

interface Asked {
  id: TicketId;
  state: TicketState;
  questions: readonly QuestionView[];
  candidate: { attempt: AttemptId } | null;
}

/** Questions that wait for the operator. */
export function openQuestions(ticket: { questions: readonly QuestionView[] }): QuestionView[] {
  return ticket.questions.filter((question) => question.answer === null);
}

/** Whether its candidate does not merge and waits for the operator's word on that. */
export function asksAboutConflict(ticket: { questions: readonly QuestionView[] }): boolean {
  return openQuestions(ticket).some(({ about }) => about === 'conflict');
}

/**
 * Decides what a command means for the questions of a ticket.
 *
 * @param endAttempt the events that end the attempt that is open
 * @param working the runs that work on the ticket now, each with its attempt: only they may ask
 */
export function decideQuestion(
  ticket: Asked,
  command: QuestionCommand,
  actor: Actor,
  endAttempt: (reason: string) => BrandEvent[],
  working: readonly { run: RunId; attempt: AttemptId | null }[],
): Decision {
  if (command.type === 'answer')
    return operatorOn(ticket, actor, 'answer a question of', ['in_progress', 'verifying'], () => {
      const question = ticket.questions.find((one) => one.id === command.question);
      if (!question)
        return fail('not-found', `${ticket.id} has no question ${command.question}`, 'see "atrium status"');
      if (question.answer !== null)
        return fail('refused-transition', `question ${question.id} has been answered already`);
      const { answer } = command;
      const answered: BrandEvent = { type: 'question.answered', data: { question: question.id, answer } };
      if (question.about !== 'conflict') return ok([answered]);
      if (answer !== CONFLICT_CHOICES[1] && !/^no\b/i.test(answer))
        return ok([answered, ...endAttempt('it does not merge; the operator has it done again')]);
      const detail = 'it does not merge, and the operator said no';
      return ok([
        answered,
        ...endAttempt(detail),
        { type: 'ticket.blocked', data: { reason: 'operator', detail, successor: null } },
      ]);
    });
  if (command.type === 'ask-about-conflict') {
    if (actor.kind !== 'core') return notTheirs(actor, `ask about ${ticket.id}`);
    return inState(ticket, 'ask about', ['verifying'], () => {
      const { question, attempt, text } = command;
      if (ticket.candidate?.attempt !== attempt)
        return fail('refused-transition', `${attempt} has no candidate of ${ticket.id}`);
      const choices = [...CONFLICT_CHOICES];
      return ok([
        { type: 'question.asked', data: { question, run: null, about: 'conflict', attempt, text, choices } },
      ]);
    });
  }
  const asking = actor.kind === 'run' ? working.find(({ run }) => run === actor.run) : undefined;
  if (!asking || asking.run !== command.run) return notTheirs(actor, `ask about ${ticket.id}`);
  if (ticket.questions.length >= MAX_QUESTIONS)
    return fail(
      'refused-transition',
      `${ticket.id} has asked ${ticket.questions.length} questions`,
      'decide by what the brief says, and say in the summary what you decided',
    );
  const { question, run, text, choices } = command;
  return ok([{ type: 'question.asked', data: { question, run, attempt: asking.attempt, text, choices } }]);
}

/** Folds one event into the questions of a ticket. */
export function evolveQuestions(questions: QuestionView[], event: RecordedEvent): QuestionView[] {
  switch (event.type) {
    case 'question.asked': {
      const { question: id, run, about, text, choices } = event.data;
      const asked = { id, run, ...(about && { about }), text, choices };
      return [...questions, { ...asked, at: event.at, answer: null, answeredAt: null }];
    }
    case 'question.answered':
      return questions.map((one) =>
        one.id === event.data.question ? { ...one, answer: event.data.answer, answeredAt: event.at } : one,
      );
    default:
      return questions;
  }
}
