import { brandOfTicket, type RunId } from '../contract/ids.ts';
import type { WaitingCounts, WaitingItem } from '../contract/waiting.ts';
import { planState } from './plan-gate.ts';
import { openQuestions } from './questions.ts';
import type { Ticket } from './ticket.ts';

/** The operator stopped these, or put something in their place, or they are put right: nothing is left to decide. */
const SETTLED = new Set(['operator', 'withdrawn', 'settled']);

/** Everything of a ticket that waits for the operator. */
export function waitingOfTicket(ticket: Ticket): WaitingItem[] {
  const item = (
    kind: WaitingItem['kind'],
    key: string,
    detail: string,
    since: string,
    run: RunId | null = null,
  ): WaitingItem => ({
    key: `${kind}/${ticket.id}${key}`,
    kind,
    brand: brandOfTicket(ticket.id),
    ticket: ticket.id,
    run,
    title: ticket.draft.title,
    detail,
    priority: ticket.draft.priority,
    since,
  });
  switch (ticket.state) {
    case 'draft':
      return [item(ticket.housekeeping ? 'housekeeping' : 'approval', '', ticket.reason, ticket.createdAt)];
    case 'blocked':
      return SETTLED.has(ticket.blocked?.reason ?? '') || ticket.successor !== null || ticket.acknowledged
        ? []
        : [item('dead-letter', '', ticket.reason, ticket.endedAt ?? ticket.updatedAt)];
    case 'in_progress':
    case 'verifying': {
      const items = openQuestions(ticket).map((question) =>
        item(question.about ?? 'question', `/${question.id}`, question.text, question.at, question.run),
      );
      const { checkpoint, candidate, waitsForFolder, plan } = ticket;
      if (checkpoint?.state === 'waiting' && checkpoint.commit === candidate?.commit) {
        const detail = checkpoint.hits.map((hit) => `${hit.path}: ${hit.reason}`).join('; ');
        items.push(item('checkpoint', `/${checkpoint.commit}`, detail, checkpoint.at));
      }
      if (waitsForFolder !== null) items.push(item('conflict', '', ticket.reason, ticket.updatedAt));
      const last = plan.versions.at(-1);
      if (last && planState(plan) === 'waiting')
        items.push(
          item('plan', `/${last.version}`, `version ${last.version} of its plan`, last.at, last.run),
        );
      return items;
    }
    default:
      return [];
  }
}

/** The counts that every door shows. */
export function countWaiting(items: readonly Pick<WaitingItem, 'kind'>[]): WaitingCounts {
  const of = (...kinds: WaitingItem['kind'][]) => items.filter((item) => kinds.includes(item.kind)).length;
  return { questions: of('question', 'ask'), approvals: of('approval'), total: items.length };
}
