import type { Actor, BrandEvent, RecordedEvent } from '../contract/events.ts';
import { fail, ok } from '../contract/errors.ts';
import type { CommitId, RunId, TicketId } from '../contract/ids.ts';
import type {
  ModeDecision,
  PlanState,
  PlanVersion,
  RuntimeName,
  TicketDraft,
  TicketState,
} from '../contract/tickets.ts';
import { byline, inState, notTheirs, type Decision } from './authority.ts';

/** So many planning runs may end without a plan; then a person is told. */
export const MAX_FAILED_PLANS = 3;
/** So often a reviewer's run may send a plan back; then the operator decides. */
export const MAX_REVISIONS = 3;

/** What the plan of a ticket folds to. A plan is not an attempt, and counts against none. */
export interface Plan {
  versions: PlanVersion[];
  /** The planning run that has not ended. */
  run: RunId | null;
  /** Every run that planned: none of them reviews. */
  authors: RunId[];
  /** The reviewer's run of a version: there is at most one of each version. */
  reviews: { version: number; run: RunId }[];
  /** Planning runs that ended without a plan since the last one that was submitted. */
  failed: number;
}

export const noPlan: Plan = { versions: [], run: null, authors: [], reviews: [], failed: 0 };

/** What can be asked of a plan. */
export type PlanCommand =
  | { type: 'start-plan'; run: RunId; base: CommitId }
  | { type: 'submit-plan'; run: RunId; text: string }
  | { type: 'end-plan'; run: RunId; reason: string; interrupted: boolean }
  | { type: 'start-plan-review'; version: number; run: RunId }
  | { type: 'approve-plan'; version: number; note: string }
  | { type: 'revise-plan'; version: number; note: string };

/** What the decider of a plan looks at. */
interface Planned {
  id: TicketId;
  state: TicketState;
  runtime: RuntimeName;
  hash: string;
  approvedHash: string | null;
  draft: TicketDraft;
  modeDecision: ModeDecision;
  plan: Plan;
  attempts: readonly unknown[];
}

/** Where a plan stands. */
export function planState(plan: Plan): PlanState {
  const last = plan.versions.at(-1);
  if (last?.review?.decision === 'approved') return 'approved';
  if (last && !last.review) return 'waiting';
  return plan.run === null ? 'none' : 'planning';
}

/** The plan that was approved, in words; null where none is needed or none was approved. */
export function approvedPlan(plan: Plan): PlanVersion | null {
  const last = plan.versions.at(-1);
  return last?.review?.decision === 'approved' ? last : null;
}

/** Whether a plan has to be written before an attempt may start: none yet, or the last one was sent back. */
export function needsPlanning(ticket: { modeDecision: ModeDecision; plan: Plan }): boolean {
  return ticket.modeDecision.mode === 'plan_first' && planState(ticket.plan) === 'none';
}

/** Why a ticket may not be carried out yet; null where it may. */
export function planRefusal(ticket: { id: TicketId; modeDecision: ModeDecision; plan: Plan }): string | null {
  if (ticket.modeDecision.mode !== 'plan_first' || planState(ticket.plan) === 'approved') return null;
  const last = ticket.plan.versions.at(-1);
  return last
    ? `the plan of ${ticket.id} is not approved (version ${last.version})`
    : `${ticket.id} is planned first, and it has no plan yet`;
}

/** Whether a reviewer's run may look at the newest version now. */
export function reviewable(ticket: { modeDecision: ModeDecision; plan: Plan }): boolean {
  const { plan, modeDecision } = ticket;
  const last = plan.versions.at(-1);
  return (
    modeDecision.review === 'reviewer' &&
    last !== undefined &&
    planState(plan) === 'waiting' &&
    plan.run === null &&
    plan.versions.length <= MAX_REVISIONS &&
    !plan.reviews.some(({ version }) => version === last.version)
  );
}

/** Decides what a command means for the plan of a ticket. */
export function decidePlan(ticket: Planned, command: PlanCommand, actor: Actor): Decision {
  switch (command.type) {
    case 'start-plan':
      return actor.kind === 'core' ? decideStart(ticket, command) : notTheirs(actor, 'start a plan');
    case 'submit-plan':
      return decideSubmit(ticket, command, actor);
    case 'end-plan':
      return actor.kind === 'core' ? decideEnd(ticket, command) : notTheirs(actor, 'end a plan');
    case 'start-plan-review':
      return actor.kind === 'core' ? decideReviewStart(ticket, command) : notTheirs(actor, 'start a review');
    case 'approve-plan':
      return decideReview(ticket, command, actor, 'approve the plan of', (version) => ({
        type: 'plan.approved',
        data: { version, note: command.note },
      }));
    case 'revise-plan':
      return decideReview(ticket, command, actor, 'send back the plan of', (version) => ({
        type: 'plan.revision-asked',
        data: { version, note: command.note },
      }));
  }
}

function decideStart(ticket: Planned, command: Extract<PlanCommand, { type: 'start-plan' }>): Decision {
  return inState(ticket, 'plan', ['ready', 'in_progress'], () => {
    if (!needsPlanning(ticket)) return fail('refused-transition', `${ticket.id} needs no plan now`);
    if (ticket.approvedHash !== ticket.hash)
      return fail('not-authorized', `${ticket.id} is not approved as it reads now`);
    const events: BrandEvent[] = ticket.state === 'ready' ? [{ type: 'ticket.started', data: {} }] : [];
    const { run, base } = command;
    events.push({ type: 'plan.started', data: { run, base, runtime: ticket.runtime } });
    return ok(events);
  });
}

function decideSubmit(
  ticket: Planned,
  command: Extract<PlanCommand, { type: 'submit-plan' }>,
  actor: Actor,
): Decision {
  if (actor.kind !== 'run') return notTheirs(actor, 'submit a plan');
  if (actor.run !== command.run || ticket.plan.run !== actor.run)
    return fail(
      'not-authorized',
      `run ${actor.run} does not plan ${ticket.id}`,
      'a plan comes from the run that was started to write it',
    );
  if (planState(ticket.plan) === 'approved')
    return fail('refused-transition', `the plan of ${ticket.id} is approved already`);
  const version = ticket.plan.versions.length + 1;
  return ok([{ type: 'plan.submitted', data: { version, run: command.run, text: command.text } }]);
}

function decideEnd(ticket: Planned, command: Extract<PlanCommand, { type: 'end-plan' }>): Decision {
  const { plan } = ticket;
  if (plan.run !== command.run)
    return fail('refused-transition', `run ${command.run} does not plan ${ticket.id}`);
  const submitted = plan.versions.at(-1)?.run === command.run;
  const outcome = submitted ? 'submitted' : command.interrupted ? 'interrupted' : 'failed';
  const events: BrandEvent[] = [
    { type: 'plan.ended', data: { run: command.run, outcome, reason: command.reason } },
  ];
  if (outcome === 'failed' && plan.failed + 1 >= MAX_FAILED_PLANS)
    events.push({
      type: 'ticket.blocked',
      data: {
        reason: 'dead-letter',
        detail: `${plan.failed + 1} planning runs ended without a plan, the last: ${command.reason}`,
        successor: null,
      },
    });
  return ok(events);
}

function decideReviewStart(
  ticket: Planned,
  command: Extract<PlanCommand, { type: 'start-plan-review' }>,
): Decision {
  return inState(ticket, 'review the plan of', ['in_progress'], () => {
    if (!reviewable(ticket) || ticket.plan.versions.at(-1)?.version !== command.version)
      return fail(
        'refused-transition',
        `version ${command.version} of the plan of ${ticket.id} waits for no reviewer`,
      );
    if (ticket.plan.authors.includes(command.run)) return selfReview(command.run);
    return ok([{ type: 'plan.review-started', data: { version: command.version, run: command.run } }]);
  });
}

function decideReview(
  ticket: Planned,
  command: Extract<PlanCommand, { type: 'approve-plan' | 'revise-plan' }>,
  actor: Actor,
  verb: string,
  event: (version: number) => BrandEvent,
): Decision {
  if (actor.kind === 'core') return notTheirs(actor, `${verb} a ticket`);
  return inState(ticket, verb, ['in_progress'], () => {
    const last = ticket.plan.versions.at(-1);
    if (!last || last.version !== command.version)
      return fail(
        last ? 'version-conflict' : 'not-found',
        last
          ? `the newest plan of ${ticket.id} is version ${last.version}, not ${command.version}`
          : `${ticket.id} has no plan yet`,
        `read it with "atrium plan show ${ticket.id}"`,
      );
    if (last.review)
      return fail(
        'refused-transition',
        `version ${last.version} of the plan of ${ticket.id} was decided already`,
      );
    if (actor.kind === 'run') {
      if (ticket.plan.authors.includes(actor.run)) return selfReview(actor.run);
      if (!ticket.plan.reviews.some((one) => one.version === last.version && one.run === actor.run))
        return fail('not-authorized', `run ${actor.run} was not started to review this plan`);
      if (ticket.modeDecision.review === 'operator')
        return fail(
          'not-authorized',
          `only the operator decides about this plan (${ticket.modeDecision.rule})`,
        );
    }
    return ok([event(last.version)]);
  });
}

function selfReview(run: RunId): Decision {
  return fail('not-authorized', `run ${run} wrote the plan and cannot review it`);
}

/** Folds one event into the plan of a ticket. */
export function evolvePlan(plan: Plan, event: RecordedEvent): Plan {
  const reviewed = (version: number, decision: 'approved' | 'revision', note: string): Plan => ({
    ...plan,
    versions: plan.versions.map((one) =>
      one.version === version
        ? { ...one, review: { decision, note, by: byline(event.actor), at: event.at } }
        : one,
    ),
  });
  switch (event.type) {
    case 'plan.started':
      return { ...plan, run: event.data.run, authors: [...plan.authors, event.data.run] };
    case 'plan.submitted': {
      const { version, run, text } = event.data;
      const { at, position } = event;
      return {
        ...plan,
        failed: 0,
        versions: [...plan.versions, { version, run, text, at, position, review: null }],
      };
    }
    case 'plan.ended':
      return { ...plan, run: null, failed: plan.failed + (event.data.outcome === 'failed' ? 1 : 0) };
    case 'plan.review-started':
      return { ...plan, reviews: [...plan.reviews, event.data] };
    case 'plan.approved':
      return reviewed(event.data.version, 'approved', event.data.note);
    case 'plan.revision-asked':
      return reviewed(event.data.version, 'revision', event.data.note);
    default:
      return plan;
  }
}
