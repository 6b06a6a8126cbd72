import type { Actor, BrandEvent } from '../contract/events.ts';
import { fail, type Result } from '../contract/errors.ts';
import type { TicketId } from '../contract/ids.ts';
import type { TicketState } from '../contract/tickets.ts';

/** What a command comes to: events, or a refusal that says why. */
export type Decision = Result<BrandEvent[]>;

/** Decides only where the ticket is in one of these states. */
export function inState(
  ticket: { id: TicketId; state: TicketState },
  verb: string,
  states: readonly TicketState[],
  then: () => Decision,
): Decision {
  if (states.includes(ticket.state)) return then();
  return fail(
    'refused-transition',
    `cannot ${verb} ${ticket.id}: it is ${ticket.state}, not ${states.join(' or ')}`,
    ticket.state === 'blocked' ? `draft its successor with "atrium ticket edit ${ticket.id}"` : '',
  );
}

/** Decides only for the operator, on a ticket in one of these states. */
export function operatorOn(
  ticket: { id: TicketId; state: TicketState },
  actor: Actor,
  verb: string,
  states: readonly TicketState[],
  then: () => Decision,
): Decision {
  return actor.kind === 'operator'
    ? inState(ticket, verb, states, then)
    : notTheirs(actor, `${verb} a ticket`);
}

/** Refuses what somebody has no authority for. */
export function notTheirs(actor: Actor, what: string): Decision {
  const who =
    actor.kind === 'run' ? `a run (${actor.role})` : actor.kind === 'core' ? actor.part : 'the operator';
  return fail('not-authorized', `${who} may not ${what}`);
}

/** Who said something, as it stands beside the words. */
export function byline(actor: Actor): string {
  return actor.kind === 'operator'
    ? 'operator'
    : actor.kind === 'run'
      ? `${actor.role} ${actor.run}`
      : 'Atrium';
}
