import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';

/** What of the stand-in's tickets waits for the operator, in no order. */
export function waitsOf(tickets: Iterable<TicketDetail>): WaitingItem[] {
  return [...tickets].flatMap(waitsOfTicket);
}

function waitsOfTicket(ticket: TicketDetail): WaitingItem[] {
  const item = (kind: WaitingItem['kind'], key: string, detail: string): WaitingItem => ({
    key: `${kind}/${ticket.id}${key}`,
    kind,
    brand: ticket.brand,
    ticket: ticket.id,
    run: null,
    title: ticket.title,
    detail,
    priority: ticket.priority,
    since: ticket.createdAt,
  });
  const items: WaitingItem[] = [];
  if (ticket.state === 'draft')
    items.push(item(ticket.housekeeping ? 'housekeeping' : 'approval', '', ticket.reason));
  const settled = /^(operator|withdrawn)\b/.test(ticket.blockedReason ?? '');
  if (ticket.state === 'blocked' && !settled && ticket.successor === null)
    items.push(item('dead-letter', '', ticket.reason));
  for (const question of ticket.questions)
    if (question.answer === null)
      items.push(item(question.about ?? 'question', `/${question.id}`, question.text));
  const last = ticket.plans.at(-1);
  if (ticket.planState === 'waiting' && last)
    items.push(item('plan', `/${last.version}`, `version ${last.version} of its plan`));
  if (ticket.checkpoint?.state === 'waiting')
    items.push(
      item(
        'checkpoint',
        `/${ticket.checkpoint.commit}`,
        ticket.checkpoint.hits.map((hit) => `${hit.path}: ${hit.reason}`).join('; '),
      ),
    );
  return items;
}
