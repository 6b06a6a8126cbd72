import type { Actor } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { AttemptId, CommitId, RunId } from '../contract/ids.ts';
import type { GateReport, VerdictReport } from '../contract/tickets.ts';
import { inState, notTheirs, type Decision } from './authority.ts';
import { hasFailed, type Ticket } from './ticket.ts';

/** What can be said about a candidate on its way to the branch. */
export type MergingCommand =
  | { type: 'submit-verdict'; attempt: AttemptId; verdict: VerdictReport; run: RunId }
  | { type: 'report-gate'; report: GateReport }
  | { type: 'wait-at-gate'; attempt: AttemptId; detail: string; folder?: string }
  | { type: 'begin-merge'; attempt: AttemptId; candidate: CommitId; commit: CommitId; onto: CommitId }
  | { type: 'merge'; attempt: AttemptId; candidate: CommitId; commit: CommitId; branch: string }
  | { type: 'publish'; rule: string; outcome: 'done' | 'failed'; detail: string };

/** Decides what a command means for a candidate on its way to the branch. */
export function decideMerging(ticket: Ticket, command: MergingCommand, actor: Actor): Decision {
  if (command.type === 'submit-verdict') return decideVerdict(ticket, command, actor);
  if (actor.kind !== 'core') return notTheirs(actor, command.type);
  switch (command.type) {
    case 'report-gate':
      return inState(ticket, 'report the gate', ['verifying'], () =>
        ok([{ type: 'gate.reported', data: { version: ticket.gates.length + 1, report: command.report } }]),
      );
    case 'wait-at-gate':
      return inState(ticket, 'wait at the gate', ['verifying'], () =>
        ok([
          {
            type: 'gate.waiting',
            data: {
              attempt: command.attempt,
              detail: command.detail,
              ...(command.folder === undefined ? {} : { folder: command.folder }),
            },
          },
        ]),
      );
    case 'begin-merge':
      return decideBeginMerge(ticket, command);
    case 'merge':
      return decideMerge(ticket, command);
    case 'publish':
      return inState(ticket, 'publish', ['merged'], () =>
        ok([
          {
            type: 'merge.published',
            data: { rule: command.rule, outcome: command.outcome, detail: command.detail },
          },
        ]),
      );
  }
}

function decideVerdict(
  ticket: Ticket,
  command: Extract<MergingCommand, { type: 'submit-verdict' }>,
  actor: Actor,
): Decision {
  if (actor.kind !== 'run' || actor.role !== 'verifier') return notTheirs(actor, 'give a verdict');
  return inState(ticket, 'judge', ['verifying'], () => {
    if (command.run !== actor.run)
      return fail('not-authorized', `run ${actor.run} cannot give a verdict for ${command.run}`);
    if (ticket.attempts.some((attempt) => attempt.run === actor.run))
      return fail('not-authorized', `run ${actor.run} carried the ticket out and cannot judge it`);
    if (ticket.candidate?.attempt !== command.attempt || ticket.candidate.commit !== command.verdict.commit)
      return fail(
        'invalid-input',
        `the verdict names ${command.verdict.commit}, the candidate is another commit`,
      );
    if (command.verdict.ticket !== ticket.id)
      return fail(
        'invalid-input',
        `the verdict names ${command.verdict.ticket}, the candidate is of ${ticket.id}`,
      );
    return ok([
      {
        type: 'verdict.submitted',
        data: {
          attempt: command.attempt,
          version: ticket.verdicts.length + 1,
          verdict: command.verdict,
          run: command.run,
        },
      },
    ]);
  });
}

/** The last word before the branch moves: whatever happened while the gate was at work counts here. */
function decideBeginMerge(
  ticket: Ticket,
  command: Extract<MergingCommand, { type: 'begin-merge' }>,
): Decision {
  return inState(ticket, 'merge', ['verifying'], () => {
    if (ticket.candidate?.commit !== command.candidate || ticket.candidate.attempt !== command.attempt)
      return fail('gate-failed', `${command.candidate} is not the candidate of ${ticket.id}`);
    const verdicts = ticket.verdicts.filter((v) => v.verdict.commit === command.candidate);
    if (verdicts.at(-1)?.verdict.verdict !== 'pass')
      return fail('gate-failed', `no passing verdict is bound to ${command.candidate}`);
    if (hasFailed(ticket, command.candidate))
      return fail('gate-failed', `${command.candidate} has failed before, and a fail sticks to its commit`);
    const { checkpoint } = ticket;
    if (checkpoint?.commit === command.candidate && checkpoint.state !== 'approved')
      return fail('gate-failed', `the human checkpoint of ${command.candidate} is not approved`);
    const gate = ticket.gates.at(-1)?.report;
    if (gate?.candidate !== command.candidate || gate.outcome !== 'pass' || gate.onto !== command.onto)
      return fail('gate-failed', `the gate did not pass for ${command.candidate} on ${command.onto}`);
    if (!gate.conditions.some((one) => one.name === 'checkpoints' && one.outcome === 'pass'))
      return fail('gate-failed', `the gate has not looked at what ${command.candidate} touches`);
    const { attempt, candidate, commit, onto } = command;
    return ok([{ type: 'merge.began', data: { attempt, candidate, commit, onto } }]);
  });
}

function decideMerge(ticket: Ticket, command: Extract<MergingCommand, { type: 'merge' }>): Decision {
  return inState(ticket, 'merge', ['verifying'], () => {
    if (
      ticket.landing?.commit !== command.commit ||
      ticket.landing.candidate !== command.candidate ||
      ticket.candidate?.attempt !== command.attempt
    )
      return fail('gate-failed', `${command.commit} was not on its way to the branch`);
    const { attempt, candidate, commit, branch } = command;
    return ok([{ type: 'ticket.merged', data: { attempt, candidate, commit, branch } }]);
  });
}
