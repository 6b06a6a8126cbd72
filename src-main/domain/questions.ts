import type { Actor } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import type { RecordedEvent } from '../contract/events.ts';
import type { QuestionView, TicketState } from '../contract/tickets.ts';
import { notTheirs, operatorOn, type Decision } from './authority.ts';

/** So many questions one ticket may put to the operator: a run that only asks must not fill the day. */
export const MAX_QUESTIONS = 20;

/** What can be said about the questions of a ticket. */
export type QuestionCommand =
  | { type: 'ask'; question: string; run: RunId; text: string; choices: string[] }
  | { type: 'answer'; question: string; answer: string };

interface Asked {
  id: TicketId;
  state: TicketState;
  questions: readonly QuestionView[];
}

/** Questions that wait for the operator. */
export function openQuestions(ticket: { questions: readonly QuestionView[] }): QuestionView[] {
  return ticket.questions.filter((question) => question.answer === null);
}

/**
 * Decides what a command means for the questions of a ticket.
 *
 * @param working the runs that work on the ticket now, each with its attempt: only they may ask
 */
export function decideQuestion(
  ticket: Asked,
  command: QuestionCommand,
  actor: Actor,
  working: readonly { run: RunId; attempt: AttemptId | null }[],
): Decision {
  if (command.type === 'answer')
    return operatorOn(ticket, actor, 'answer a question of', ['in_progress', 'verifying'], () => {
      const question = ticket.questions.find((one) => one.id === command.question);
      if (!question)
        return fail('not-found', `${ticket.id} has no question ${command.question}`, 'see "atrium status"');
      if (question.answer !== null)
        return fail('refused-transition', `question ${question.id} has been answered already`);
      return ok([{ type: 'question.answered', data: { question: question.id, answer: command.answer } }]);
    });
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
      const { question: id, run, text, choices } = event.data;
      return [...questions, { id, run, text, choices, at: event.at, answer: null, answeredAt: null }];
    }
    case 'question.answered':
      return questions.map((one) =>
        one.id === event.data.question ? { ...one, answer: event.data.answer, answeredAt: event.at } : one,
      );
    default:
      return questions;
  }
}
