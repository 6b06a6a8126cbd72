import type { Actor, BrandEvent, RecordedEvent } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { AttemptId, CommitId, TicketId } from '../contract/ids.ts';
import type { CheckpointHit, CheckpointView, TicketState } from '../contract/tickets.ts';
import { notTheirs, operatorOn, inState, type Decision } from './authority.ts';

/** What can be said about the human checkpoint of a candidate. */
export type CheckpointCommand =
  | { type: 'raise-checkpoint'; attempt: AttemptId; commit: CommitId; hits: CheckpointHit[] }
  | { type: 'approve-checkpoint'; commit: CommitId; note: string }
  | { type: 'refuse-checkpoint'; commit: CommitId; note: string };

interface Stopped {
  id: TicketId;
  state: TicketState;
  candidate: { attempt: AttemptId; commit: CommitId } | null;
  checkpoint: CheckpointView | null;
}

/** Whether these hits of this commit are approved: an approval is good for exactly what was shown. */
export function isCleared(
  ticket: { checkpoint: CheckpointView | null },
  commit: CommitId,
  hits: readonly CheckpointHit[],
): boolean {
  const { checkpoint } = ticket;
  return hits.length === 0 || (checkpoint?.state === 'approved' && isSame(checkpoint, commit, hits));
}

/** Whether a checkpoint says just this already. */
export function isSame(
  checkpoint: CheckpointView | null,
  commit: CommitId,
  hits: readonly CheckpointHit[],
): boolean {
  const names = (of: readonly CheckpointHit[]) => of.map((hit) => `${hit.rule}\0${hit.path}`).join('\n');
  return checkpoint?.commit === commit && names(checkpoint.hits) === names(hits);
}

/**
 * Decides what a command means for the human checkpoint of a ticket.
 *
 * @param endAttempt the events that end the attempt whose candidate it is
 */
export function decideCheckpoint(
  ticket: Stopped,
  command: CheckpointCommand,
  actor: Actor,
  endAttempt: (reason: string) => BrandEvent[],
): Decision {
  if (command.type === 'raise-checkpoint') {
    if (actor.kind !== 'core') return notTheirs(actor, 'raise a checkpoint');
    return inState(ticket, 'stop', ['verifying'], () => {
      if (ticket.candidate?.commit !== command.commit || ticket.candidate.attempt !== command.attempt)
        return fail('refused-transition', `${command.commit} is not the candidate of ${ticket.id}`);
      const { attempt, commit, hits } = command;
      return ok([{ type: 'checkpoint.raised', data: { attempt, commit, hits } }]);
    });
  }
  const verb =
    command.type === 'approve-checkpoint' ? 'approve the checkpoint of' : 'refuse the checkpoint of';
  return operatorOn(ticket, actor, verb, ['verifying'], () => {
    const { checkpoint } = ticket;
    if (checkpoint?.state !== 'waiting')
      return fail('refused-transition', `no checkpoint of ${ticket.id} waits`);
    if (checkpoint.commit !== command.commit || ticket.candidate?.commit !== command.commit)
      return fail(
        'hash-mismatch',
        `the checkpoint of ${ticket.id} is about ${checkpoint.commit}, not ${command.commit}`,
        `read it again with "atrium ticket show ${ticket.id}"`,
      );
    const data = { commit: command.commit, note: command.note };
    if (command.type === 'approve-checkpoint') return ok([{ type: 'checkpoint.approved', data }]);
    return ok([
      { type: 'checkpoint.refused', data },
      ...endAttempt(`the operator refused what it touches: ${command.note}`),
      {
        type: 'ticket.blocked',
        data: {
          reason: 'operator',
          detail: `the operator refused what it touches: ${command.note}`,
          successor: null,
        },
      },
    ]);
  });
}

/** Folds one event into the human checkpoint of a ticket. */
export function evolveCheckpoint(
  checkpoint: CheckpointView | null,
  event: RecordedEvent,
): CheckpointView | null {
  switch (event.type) {
    case 'checkpoint.raised':
      return { ...event.data, state: 'waiting', at: event.at };
    case 'checkpoint.approved':
      return checkpoint && { ...checkpoint, state: 'approved' };
    case 'checkpoint.refused':
      return checkpoint && { ...checkpoint, state: 'refused' };
    default:
      return checkpoint;
  }
}
