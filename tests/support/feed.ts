import type { TicketSummary } from '../../src-main/contract/tickets.ts';
import type { OperatorClient } from './workspace.ts';

/** Resolves with a ticket once it is merged or blocked, as the feed tells it. */
export async function whenEnded(client: OperatorClient, id: string): Promise<TicketSummary> {
  for await (const item of await client.feed({})) {
    const tickets =
      item.kind === 'snapshot' ? item.snapshot.tickets : item.kind === 'ticket' ? [item.ticket] : [];
    const found = tickets.find((ticket) => ticket.id === id);
    if (found && ['merged', 'blocked'].includes(found.state)) return found;
  }
  throw new Error('The feed ended.');
}
