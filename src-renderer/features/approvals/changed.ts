import type { TicketDetail } from '../../../src-main/contract/tickets.ts';

const compared = [
  'title',
  'description',
  'why',
  'paths',
  'acceptance',
  'runtime',
  'command',
  'model',
  'modelClass',
  'checks',
  'contract',
  'network',
  'grants',
  'rules',
  'costCapUsd',
  'dependsOn',
] as const satisfies readonly (keyof TicketDetail)[];

export type Compared = (typeof compared)[number];

/** The last text of each ticket that was on a card of this window, and what it differed in from the one before. */
const read = new Map<string, { hash: string; before: TicketDetail | null; ticket: TicketDetail }>();

/** What differs between two versions. */
export function differences(ticket: TicketDetail, before: TicketDetail): ReadonlySet<Compared> {
  return new Set(compared.filter((field) => JSON.stringify(ticket[field]) !== JSON.stringify(before[field])));
}

/**
 * What changed since the version that was read before: the one last shown in this window, or the ticket that this one
 * succeeds.
 */
export function changedSince(ticket: TicketDetail, predecessor: TicketDetail | null): ReadonlySet<Compared> {
  const known = read.get(ticket.id);
  if (known === undefined) read.set(ticket.id, { hash: ticket.hash, before: null, ticket });
  else if (known.hash !== ticket.hash)
    read.set(ticket.id, { hash: ticket.hash, before: known.ticket, ticket });
  const before = read.get(ticket.id)?.before ?? predecessor;
  return before === null ? new Set<Compared>() : differences(ticket, before);
}
