import type { AskView } from '../contract/guard.ts';
import type { WaitingItem } from '../contract/operator-api.ts';
import { urgentFirst } from '../domain/urgency.ts';
import type { Brand } from './brand.ts';

/** What of a brand waits for the operator, most urgent first. */
export function waitingIn(brand: Brand): WaitingItem[] {
  const rows = brand.store.query<{ record: string }>('SELECT record FROM projection_tickets_waiting');
  const asks = brand.guard.asks.list().map((ask) => waitingOfAsk(brand, ask));
  return urgentFirst([...rows.map((row) => JSON.parse(row.record) as WaitingItem), ...asks]);
}

function waitingOfAsk(brand: Brand, ask: AskView): WaitingItem {
  const ticket = ask.ticket === null ? null : brand.tickets.get(ask.ticket);
  return {
    key: `ask/${ask.id}`,
    kind: 'ask',
    brand: brand.id,
    ticket: ask.ticket,
    run: ask.run,
    title: ticket?.draft.title ?? ask.role,
    detail: `${ask.tool}: ${ask.text || ask.paths.join(', ')} (${ask.rule}: ${ask.reason})`,
    priority: ticket?.draft.priority ?? 1,
    since: ask.askedAt,
  };
}
