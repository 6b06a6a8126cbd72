import { ask } from './connection.ts';
import { markSucceeded, useDecisions } from './decisions.ts';
import { useLive } from './store.ts';
import { waitingOf } from './waiting.ts';

const nothing = new Set<string>();

/**
 * Looks, for each ticket that stopped by itself, whether something took its place: a list's row does not say it, and
 * without it the ticket would wait for a decision that is taken. Returns how to stop.
 */
export function watchStopped(): () => void {
  const looked = new Map<string, number>();
  let busy = false;
  const look = async () => {
    if (busy || useLive.getState().link !== 'live') return;
    busy = true;
    try {
      for (;;) {
        const { tickets } = useLive.getState();
        const succeeded = new Set(useDecisions.getState().succeeded);
        const next = waitingOf(tickets, nothing, [], succeeded).find(
          ({ kind, ticket }) => kind === 'stopped' && looked.get(ticket.id) !== ticket.version,
        )?.ticket;
        if (next === undefined) return;
        const answer = await ask((client) => client.ticket.show({ id: next.id }));
        if (!answer.ok && answer.failure.code === 'core-unreachable') return;
        looked.set(next.id, next.version);
        if (answer.ok && answer.value.successor !== null) markSucceeded(next.id);
      }
    } finally {
      busy = false;
    }
  };
  return useLive.subscribe((now, before) => {
    if (now.tickets !== before.tickets || now.link !== before.link) void look();
  });
}
