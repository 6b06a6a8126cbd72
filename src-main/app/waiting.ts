import type { AskView } from '../contract/guard.ts';
import type { BrandId } from '../contract/ids.ts';
import type { WaitingItem } from '../contract/waiting.ts';
import type { Ticket } from '../domain/ticket.ts';
import { urgentFirst } from '../domain/urgency.ts';
import type { Brand } from './brand.ts';

/** What of a brand waits for the operator, most urgent first. */
export function waitingIn(brand: Brand): WaitingItem[] {
  const rows = brand.store.query<{ record: string }>('SELECT record FROM projection_tickets_waiting');
  const asks = brand.guard.asks
    .list()
    .map((ask) => waitingOfAsk(brand.id, ask, ask.ticket === null ? null : brand.tickets.get(ask.ticket)));
  return urgentFirst([...rows.map((row) => JSON.parse(row.record) as WaitingItem), ...asks]);
}

/** A tool call that waits for the operator's word; `ticket` is the one that its run works on, where it is at hand. */
export function waitingOfAsk(
  brand: BrandId,
  ask: Omit<AskView, 'brand'>,
  ticket: Ticket | null,
): WaitingItem {
  return {
    key: `ask/${ask.id}`,
    kind: 'ask',
    brand,
    ticket: ask.ticket,
    run: ask.run,
    title: ticket?.draft.title ?? `${ask.role} wants to use ${ask.tool}`,
    detail: `${ask.tool}: ${ask.text || ask.paths.join(', ')} (${ask.rule}: ${ask.reason})`,
    priority: ticket?.draft.priority ?? 1,
    since: ask.askedAt,
  };
}
