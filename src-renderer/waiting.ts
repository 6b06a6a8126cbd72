import { useMemo } from 'react';
import type { TicketSummary } from '../src-main/contract/tickets.ts';
import { useDecisions } from './decisions.ts';
import { useLive } from './store.ts';

/** One decision that waits for the operator. */
export interface Waiting {
  kind: 'approval' | 'stopped';
  ticket: TicketSummary;
}

/** The operator stopped these, or put something in their place: nothing is left to decide. */
const settled = /^(operator|withdrawn|settled)\b/;

const urgentFirst = (a: TicketSummary, b: TicketSummary) =>
  a.priority - b.priority || a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id);

/**
 * What needs the operator, most urgent first: drafts to approve (those put off last), then tickets that stopped by
 * themselves and have no successor.
 */
export function waitingOf(
  tickets: Readonly<Record<string, TicketSummary>>,
  sent: ReadonlySet<string>,
  later: readonly string[],
): Waiting[] {
  const all = Object.values(tickets);
  const approvals = all
    .filter((ticket) => ticket.state === 'draft' && !ticket.housekeeping && !sent.has(ticket.id))
    .sort((a, b) => later.indexOf(a.id) - later.indexOf(b.id) || urgentFirst(a, b));
  const stopped = all
    .filter(
      (ticket) =>
        (ticket.state === 'draft' && ticket.housekeeping) ||
        (ticket.state === 'blocked' &&
          !settled.test(ticket.blockedReason ?? '') &&
          ticket.successor === null),
    )
    .sort(urgentFirst);
  return [
    ...approvals.map((ticket): Waiting => ({ kind: 'approval', ticket })),
    ...stopped.map((ticket): Waiting => ({ kind: 'stopped', ticket })),
  ];
}

/** Where a decision is taken. */
export function placeOf(waiting: Waiting): string {
  return waiting.kind === 'approval' ? `/approvals/${waiting.ticket.id}` : `/ticket/${waiting.ticket.id}`;
}

/** The decisions that wait now: the one count that is the same everywhere. */
export function useWaiting(): Waiting[] {
  const tickets = useLive((live) => live.tickets);
  const pending = useDecisions((state) => state.pending);
  const later = useDecisions((state) => state.later);
  return useMemo(() => {
    const sent = new Set(pending.filter((each) => each.failure === null).map((each) => each.id));
    return waitingOf(tickets, sent, later);
  }, [tickets, pending, later]);
}
