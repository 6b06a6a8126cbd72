import type { Actor, BrandEvent } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { AttemptId, CommitId, RunId } from '../contract/ids.ts';
import type { ResultReport } from '../contract/tickets.ts';
import { inState, notTheirs, type Decision } from './authority.ts';
import { planRefusal } from './plan-gate.ts';
import { failedAttempts, MAX_DEATHS, MAX_FAILED_ATTEMPTS, openAttempt, type Ticket } from './ticket.ts';

/** What can be said about the attempts of a ticket. */
export type AttemptCommand =
  | { type: 'start-attempt'; attempt: AttemptId; run: RunId; base: CommitId }
  | { type: 'submit-result'; attempt: AttemptId; result: ResultReport }
  | { type: 'accept-candidate'; attempt: AttemptId; commit: CommitId; commits: number }
  | {
      type: 'end-attempt';
      attempt: AttemptId;
      outcome: 'failed' | 'unverified' | 'interrupted';
      reason: string;
      counts: boolean;
      /** The core died under it. */
      death?: boolean;
    };

/** Decides what a command means for the attempts of a ticket. */
export function decideAttempt(ticket: Ticket, command: AttemptCommand, actor: Actor): Decision {
  if (command.type === 'submit-result') return decideResult(ticket, command, actor);
  if (actor.kind !== 'core') return notTheirs(actor, command.type);
  switch (command.type) {
    case 'start-attempt':
      return decideStart(ticket, command);
    case 'accept-candidate':
      return decideCandidate(ticket, command);
    case 'end-attempt':
      return decideEnd(ticket, command);
  }
}

function decideStart(ticket: Ticket, command: Extract<AttemptCommand, { type: 'start-attempt' }>): Decision {
  return inState(ticket, 'start', ['ready', 'in_progress', 'verifying'], () => {
    const open = openAttempt(ticket);
    if (open) return fail('refused-transition', `attempt ${open.id} of ${ticket.id} has not ended`);
    if (ticket.attempts.some((attempt) => attempt.id === command.attempt))
      return fail('already-exists', `there was an attempt ${command.attempt} already`);
    if (ticket.approvedHash !== ticket.hash)
      return fail('not-authorized', `${ticket.id} is not approved as it reads now`);
    const unplanned = planRefusal(ticket);
    if (unplanned !== null) return fail('not-authorized', unplanned);
    const events: BrandEvent[] = ticket.state === 'ready' ? [{ type: 'ticket.started', data: {} }] : [];
    events.push({
      type: 'attempt.started',
      data: { attempt: command.attempt, run: command.run, runtime: ticket.runtime, base: command.base },
    });
    return ok(events);
  });
}

function decideResult(
  ticket: Ticket,
  command: Extract<AttemptCommand, { type: 'submit-result' }>,
  actor: Actor,
): Decision {
  const unplanned = planRefusal(ticket);
  if (unplanned !== null)
    return fail(
      'refused-transition',
      unplanned,
      'submit the plan and stop; nothing is carried out before it',
    );
  const attempt = openAttempt(ticket);
  if (attempt?.id !== command.attempt || attempt.state !== 'running')
    return fail('refused-transition', `attempt ${command.attempt} of ${ticket.id} is not running`);
  if (actor.kind === 'run' && actor.run !== attempt.run)
    return fail('not-authorized', `run ${actor.run} does not carry out ${command.attempt}`);
  if (command.result.ticket !== ticket.id)
    return fail('invalid-input', `the result names ${command.result.ticket}, the run works on ${ticket.id}`);
  return ok([
    {
      type: 'result.submitted',
      data: { attempt: command.attempt, version: ticket.results.length + 1, result: command.result },
    },
  ]);
}

function decideCandidate(
  ticket: Ticket,
  command: Extract<AttemptCommand, { type: 'accept-candidate' }>,
): Decision {
  return inState(ticket, 'take a candidate for', ['in_progress', 'verifying'], () => {
    const attempt = openAttempt(ticket);
    if (attempt?.id !== command.attempt)
      return fail('refused-transition', `attempt ${command.attempt} is not open`);
    if (!ticket.results.some((r) => r.attempt === command.attempt && r.result.commit === command.commit))
      return fail('refused-transition', `no result of ${command.attempt} names ${command.commit}`);
    return ok([
      {
        type: 'ticket.submitted',
        data: { attempt: command.attempt, commit: command.commit, commits: command.commits },
      },
    ]);
  });
}

function decideEnd(ticket: Ticket, command: Extract<AttemptCommand, { type: 'end-attempt' }>): Decision {
  const open = openAttempt(ticket);
  if (open?.id !== command.attempt)
    return fail('refused-transition', `attempt ${command.attempt} is not open`);
  const events: BrandEvent[] = [
    {
      type: 'attempt.ended',
      data: {
        attempt: command.attempt,
        outcome: command.outcome,
        reason: command.reason,
        counts: command.counts,
        death: command.death ?? false,
      },
    },
  ];
  const failed = failedAttempts(ticket) + (command.counts ? 1 : 0);
  const deaths = ticket.deaths + (command.death === true ? 1 : 0);
  if (failed >= MAX_FAILED_ATTEMPTS) {
    events.push({
      type: 'ticket.blocked',
      data: {
        reason: 'dead-letter',
        detail: `${failed} attempts failed, the last: ${command.reason}`,
        successor: null,
      },
    });
  } else if (deaths >= MAX_DEATHS) {
    events.push({
      type: 'ticket.blocked',
      data: {
        reason: 'crash-loop',
        detail: `it was running at ${deaths} deaths of the core`,
        successor: null,
      },
    });
  }
  return ok(events);
}

/** The events that end the attempt that is open, where there is one: it counts against nothing. */
export function endOpenAttempt(ticket: Ticket, reason: string): BrandEvent[] {
  const open = openAttempt(ticket);
  if (!open) return [];
  const data = {
    attempt: open.id,
    outcome: 'interrupted' as const,
    reason,
    counts: false,
    death: false,
  };
  return [{ type: 'attempt.ended', data }];
}
