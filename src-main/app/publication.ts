import type { Actor } from '../contract/events.ts';
import { branchOfTicket, type TicketId } from '../contract/ids.ts';
import { createReactor, type Reactor } from '../services/event-store/index.ts';
import type { Brand } from './brand.ts';

const core: Actor = { kind: 'core', part: 'publication' };

/**
 * Does what each repository's rule says after a merge: nothing, a push, or a branch for a pull request. A push that failed is
 * said on the ticket; a repeat after a crash is harmless.
 */
export function createPublication(brand: Brand, onFault: (error: unknown) => void): Reactor {
  return createReactor({
    store: brand.store,
    name: 'publication',
    types: ['ticket.merged'],
    onFault,
    handle: async (event) => {
      const id = event.stream.slice('ticket/'.length) as TicketId;
      const ticket = brand.tickets.get(id);
      const repository = ticket && brand.repository(ticket.repository);
      if (!ticket?.merged || !repository?.ok) return;
      const rule = repository.value.config.afterMerge;
      if (rule.kind === 'nothing') return;
      const published = await repository.value.git.afterMerge(rule, {
        commit: ticket.merged.commit,
        branch: branchOfTicket(id),
      });
      brand.tickets.execute(
        id,
        {
          type: 'publish',
          rule: rule.kind,
          outcome: published.ok ? 'done' : 'failed',
          detail: published.ok ? `pushed to ${rule.remote}` : `${published.message} ${published.hint}`,
        },
        core,
        `publish:${event.position}`,
      );
    },
  });
}
