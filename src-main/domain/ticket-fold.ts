import type { BrandEvent, RecordedEvent } from '../contract/events.ts';
import type { AttemptId } from '../contract/ids.ts';
import type { AttemptView, TicketDraft, TicketState } from '../contract/tickets.ts';
import { byline } from './authority.ts';
import { evolveCheckpoint } from './checkpoint-gate.ts';
import { evolvePlan, noPlan } from './plan-gate.ts';
import { evolveQuestions } from './questions.ts';
import { saidByDraft, type Ticket } from './ticket.ts';

/** The state that an event brings a ticket to; other events leave it where it is. */
export const STATES: Partial<Record<BrandEvent['type'], TicketState>> = {
  'ticket.approved': 'ready',
  'ticket.started': 'in_progress',
  'ticket.submitted': 'verifying',
  'ticket.merged': 'merged',
  'ticket.blocked': 'blocked',
};

/** How a ticket begins, and what an older record of one lacks. */
function unlived(draft: TicketDraft) {
  return {
    modeDecision: saidByDraft(draft),
    acknowledged: false,
    plan: noPlan,
    questions: [],
    checkpoint: null,
    waitsForFolder: null,
  } satisfies Partial<Ticket>;
}

/** Folds one event of a ticket's stream. Events of other streams leave it as it is. */
export function evolveTicket(ticket: Ticket | null, event: RecordedEvent): Ticket | null {
  if (event.type === 'ticket.drafted') {
    const { ticket: id, predecessor, modeDecision, ...content } = event.data;
    return {
      ...unlived(content.draft),
      id,
      state: 'draft',
      ...content,
      ...(modeDecision === undefined ? {} : { modeDecision }),
      approvedHash: null,
      reason: content.housekeeping ? 'waits for a repair' : 'waits for approval',
      blocked: null,
      attempts: [],
      deaths: 0,
      candidate: null,
      results: [],
      verdicts: [],
      gates: [],
      landing: null,
      merged: null,
      endedAt: null,
      comments: [],
      predecessor,
      successor: null,
      createdAt: event.at,
      updatedAt: event.at,
      version: event.version,
    };
  }
  if (event.type === 'ticket.imported') {
    const record = event.data.record as unknown as Ticket;
    return { ...unlived(record.draft), ...record, id: event.data.ticket, version: event.version };
  }
  if (!ticket) return null;
  const next: Ticket = {
    ...ticket,
    plan: evolvePlan(ticket.plan, event),
    questions: evolveQuestions(ticket.questions, event),
    checkpoint: evolveCheckpoint(ticket.checkpoint, event),
    state: STATES[event.type] ?? ticket.state,
    updatedAt: event.at,
    version: event.version,
  };
  const endAttempt = (id: AttemptId, change: Partial<AttemptView>) => {
    next.attempts = ticket.attempts.map((attempt) =>
      attempt.id === id ? { ...attempt, ...change } : attempt,
    );
  };
  switch (event.type) {
    case 'ticket.edited':
      return {
        ...next,
        ...event.data,
        modeDecision: event.data.modeDecision ?? saidByDraft(event.data.draft),
        reason: ticket.housekeeping ? ticket.reason : 'waits for approval',
      };
    case 'ticket.approved':
      return { ...next, approvedHash: event.data.hash, reason: 'approved, waits for its turn' };
    case 'ticket.returned':
      next.comments = [...ticket.comments, { at: event.at, by: 'operator', text: event.data.note }];
      return { ...next, reason: `sent back: ${event.data.note}` };
    case 'ticket.commented':
      next.comments = [...ticket.comments, { at: event.at, by: byline(event.actor), text: event.data.text }];
      return next;
    case 'ticket.reassigned':
      return {
        ...next,
        runtime: event.data.runtime,
        draft: { ...ticket.draft, runtime: event.data.runtime },
        hash: event.data.hash,
      };
    case 'ticket.blocked':
      return {
        ...next,
        blocked: { reason: event.data.reason, detail: event.data.detail },
        endedAt: event.at,
        successor: event.data.successor ?? ticket.successor,
        reason: event.data.detail,
      };
    case 'ticket.acknowledged':
      return { ...next, acknowledged: true };
    case 'plan.started':
      return { ...next, reason: 'a run writes the plan' };
    case 'plan.submitted':
      return { ...next, reason: `version ${event.data.version} of its plan waits for a review` };
    case 'plan.ended':
      return event.data.outcome === 'submitted' ? next : { ...next, reason: event.data.reason };
    case 'plan.approved':
      return { ...next, reason: `version ${event.data.version} of its plan is approved, waits for its turn` };
    case 'plan.revision-asked':
      return { ...next, reason: `its plan was sent back: ${event.data.note}` };
    case 'question.asked':
      return {
        ...next,
        reason: `${event.data.about === undefined ? 'a run' : 'the gate'} asks: ${event.data.text}`,
      };
    case 'question.answered':
      return { ...next, reason: 'the operator has answered' };
    case 'checkpoint.raised':
      return {
        ...next,
        reason: `waits for the operator: ${event.data.hits.map((hit) => hit.path).join(', ')}`,
      };
    case 'checkpoint.approved':
      return { ...next, reason: 'the operator approved what it touches' };
    case 'attempt.started':
      next.attempts = [
        ...ticket.attempts,
        {
          id: event.data.attempt,
          run: event.data.run,
          runtime: event.data.runtime,
          state: 'running',
          reason: '',
          base: event.data.base,
          commit: null,
          counts: false,
          startedAt: event.at,
          endedAt: null,
        },
      ];
      next.candidate = null;
      return { ...next, reason: `attempt ${next.attempts.length} runs` };
    case 'attempt.ended':
      endAttempt(event.data.attempt, {
        state: event.data.outcome,
        reason: event.data.reason,
        counts: event.data.counts,
        endedAt: event.at,
      });
      return {
        ...next,
        candidate: null,
        landing: null,
        waitsForFolder: null,
        deaths: ticket.deaths + (event.data.death ? 1 : 0),
        reason: event.data.reason,
      };
    case 'result.submitted':
      next.results = [...ticket.results, { ...event.data, at: event.at, position: event.position }];
      return next;
    case 'ticket.submitted':
      endAttempt(event.data.attempt, { state: 'submitted', commit: event.data.commit });
      return {
        ...next,
        candidate: { attempt: event.data.attempt, commit: event.data.commit, commits: event.data.commits },
        reason: 'Atrium verifies the merged tree',
      };
    case 'verdict.submitted':
      next.verdicts = [...ticket.verdicts, { ...event.data, at: event.at, position: event.position }];
      return next;
    case 'gate.reported':
      next.gates = [...ticket.gates, { ...event.data, at: event.at, position: event.position }];
      return {
        ...next,
        landing: null,
        waitsForFolder: null,
        reason: `the gate says ${event.data.report.outcome}`,
      };
    case 'gate.waiting':
      return {
        ...next,
        landing: null,
        waitsForFolder: event.data.folder ?? null,
        reason: event.data.detail,
      };
    case 'merge.began':
      return {
        ...next,
        landing: { candidate: event.data.candidate, commit: event.data.commit },
        waitsForFolder: null,
        reason: 'goes to the branch',
      };
    case 'ticket.merged':
      endAttempt(event.data.attempt, { state: 'passed', reason: 'merged', endedAt: event.at });
      return {
        ...next,
        landing: null,
        endedAt: event.at,
        merged: { candidate: event.data.candidate, commit: event.data.commit, branch: event.data.branch },
        reason: `merged into ${event.data.branch}`,
      };
    case 'ticket.started':
    default:
      return next;
  }
}
