import type { Actor, BrandEvent } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { RunId, TicketId } from '../contract/ids.ts';
import type { ApprovalContext, ModeDecision, RuntimeName, TicketDraft } from '../contract/tickets.ts';
import { decideAttempt, endOpenAttempt, type AttemptCommand } from './attempts.ts';
import { notTheirs, inState, operatorOn, type Decision } from './authority.ts';
import { decideCheckpoint, type CheckpointCommand } from './checkpoint-gate.ts';
import { decideMerging, type MergingCommand } from './merging.ts';
import { decidePlan, type PlanCommand } from './plan-gate.ts';
import { decideQuestion, type QuestionCommand } from './questions.ts';
import { EDGES, workingRuns, worksOn, type Ticket } from './ticket.ts';
import { STATES } from './ticket-fold.ts';

interface DraftContent {
  draft: TicketDraft;
  runtime: RuntimeName;
  repository: string;
  hash: string;
  contract: string;
  checks: ApprovalContext['checks'];
  modeDecision?: ModeDecision | undefined;
  housekeeping?: true | undefined;
}

/** What can be asked of one ticket. Time and ids arrive with the command. */
export type TicketCommand =
  | ({ type: 'draft'; ticket: TicketId; predecessor: TicketId | null } & DraftContent)
  | ({ type: 'edit' } & DraftContent)
  | { type: 'approve'; hash: string }
  | { type: 'return'; note: string }
  | { type: 'comment'; text: string }
  | { type: 'acknowledge' }
  | { type: 'request-wiki-write'; run: RunId; text: string }
  | PlanCommand
  | QuestionCommand
  | CheckpointCommand
  | AttemptCommand
  | MergingCommand
  | { type: 'reassign'; runtime: RuntimeName; hash: string }
  | {
      type: 'block';
      reason: Extract<BrandEvent, { type: 'ticket.blocked' }>['data']['reason'];
      detail: string;
      successor: TicketId | null;
    };

/**
 * Decides what a command means for a ticket: events, or a refusal that says why. Whatever is decided keeps to {@link EDGES}.
 *
 * @throws Error where a decision would leave them: nothing is recorded then
 */
export function decideTicket(ticket: Ticket | null, command: TicketCommand, actor: Actor): Decision {
  const decision = decide(ticket, command, actor);
  if (!decision.ok || !ticket) return decision;
  let state = ticket.state;
  for (const event of decision.value) {
    const next = STATES[event.type] ?? state;
    if (next !== state && !EDGES[state].includes(next))
      throw new Error(`${command.type} would take ${ticket.id} from ${state} to ${next}`);
    state = next;
  }
  return decision;
}

function decide(ticket: Ticket | null, command: TicketCommand, actor: Actor): Decision {
  if (command.type === 'draft') {
    if (ticket) return fail('already-exists', `${ticket.id} exists already`);
    if (actor.kind === 'run') return notTheirs(actor, 'draft a ticket');
    const { type: _type, ...data } = command;
    return ok([{ type: 'ticket.drafted', data }]);
  }
  if (!ticket) return fail('not-found', 'there is no such ticket', 'see "atrium ticket list"');
  if (ticket.housekeeping && actor.kind !== 'core' && !['comment', 'block'].includes(command.type))
    return fail(
      'refused-transition',
      `${ticket.id} is settled by a repair, not carried out`,
      'put right what it names; it closes by itself when the doctor finds that the checks hold',
    );
  switch (command.type) {
    case 'edit':
      if (actor.kind === 'run') return notTheirs(actor, 'edit a ticket');
      return inState(ticket, 'edit', ['draft'], () => {
        const { type: _type, ...data } = command;
        return ok([{ type: 'ticket.edited', data }]);
      });
    case 'approve':
      return operatorOn(ticket, actor, 'approve', ['draft'], () =>
        command.hash === ticket.hash
          ? ok([{ type: 'ticket.approved', data: { hash: ticket.hash } }])
          : fail(
              'hash-mismatch',
              `${ticket.id} reads ${ticket.hash} now, not ${command.hash || '(no hash)'}`,
              `read it again with "atrium ticket show ${ticket.id}" and approve the hash it shows`,
            ),
      );
    case 'return':
      return operatorOn(ticket, actor, 'send back', ['draft'], () =>
        ok([{ type: 'ticket.returned', data: { note: command.note } }]),
      );
    case 'comment':
      return ok([{ type: 'ticket.commented', data: { text: command.text } }]);
    case 'acknowledge':
      return operatorOn(ticket, actor, 'acknowledge', ['blocked'], () =>
        ok([{ type: 'ticket.acknowledged', data: {} }]),
      );
    case 'request-wiki-write': {
      const works = actor.kind === 'run' && actor.run === command.run && worksOn(ticket, command.run);
      if (!works) return notTheirs(actor, `ask for a page from ${ticket.id}`);
      const data = { ticket: ticket.id, run: command.run, text: command.text };
      return ok([{ type: 'wiki.write-requested', data }]);
    }
    case 'start-plan':
    case 'submit-plan':
    case 'end-plan':
    case 'start-plan-review':
    case 'approve-plan':
    case 'revise-plan':
      return decidePlan(ticket, command, actor);
    case 'ask':
    case 'ask-about-conflict':
    case 'answer':
      return decideQuestion(
        ticket,
        command,
        actor,
        (reason) => endOpenAttempt(ticket, reason),
        workingRuns(ticket),
      );
    case 'raise-checkpoint':
    case 'approve-checkpoint':
    case 'refuse-checkpoint':
      return decideCheckpoint(ticket, command, actor, (reason) => endOpenAttempt(ticket, reason));
    case 'reassign':
      return operatorOn(ticket, actor, 'reassign', ['draft'], () =>
        ok([{ type: 'ticket.reassigned', data: { runtime: command.runtime, hash: command.hash } }]),
      );
    case 'block':
      return decideBlock(ticket, command, actor);
    case 'start-attempt':
    case 'submit-result':
    case 'accept-candidate':
    case 'end-attempt':
      return decideAttempt(ticket, command, actor);
    case 'submit-verdict':
    case 'report-gate':
    case 'wait-at-gate':
    case 'begin-merge':
    case 'merge':
    case 'publish':
      return decideMerging(ticket, command, actor);
  }
}

function decideBlock(
  ticket: Ticket,
  command: Extract<TicketCommand, { type: 'block' }>,
  actor: Actor,
): Decision {
  if (actor.kind === 'run') return notTheirs(actor, 'block a ticket');
  return inState(ticket, 'block', ['draft', 'ready', 'in_progress', 'verifying'], () => {
    if (ticket.landing)
      return fail(
        'refused-transition',
        `${ticket.id} is being merged at this moment`,
        'look at it again in a second',
      );
    const events = endOpenAttempt(ticket, command.detail);
    if (ticket.plan.run !== null)
      events.push({
        type: 'plan.ended',
        data: { run: ticket.plan.run, outcome: 'interrupted', reason: command.detail },
      });
    events.push({
      type: 'ticket.blocked',
      data: { reason: command.reason, detail: command.detail, successor: command.successor },
    });
    return ok(events);
  });
}
