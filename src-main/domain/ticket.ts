import type { Actor, BrandEvent, RecordedEvent } from '../contract/events.ts';
import type { AttemptId, CommitId, RunId, TicketId } from '../contract/ids.ts';
import { fail, ok } from '../contract/errors.ts';
import type {
  ApprovalContext,
  AttemptView,
  CheckpointView,
  GateReport,
  ModeDecision,
  QuestionView,
  ResultReport,
  RuntimeName,
  TicketDraft,
  TicketState,
  VerdictReport,
} from '../contract/tickets.ts';
import { byline, inState, notTheirs, operatorOn, type Decision } from './authority.ts';
import { decideCheckpoint, evolveCheckpoint, type CheckpointCommand } from './checkpoint-gate.ts';
import { decidePlan, evolvePlan, noPlan, planRefusal, type Plan, type PlanCommand } from './plan-gate.ts';
import { decideQuestion, evolveQuestions, openQuestions, type QuestionCommand } from './questions.ts';

/** The contract under which tickets are carried out. */
export const EXECUTOR = 'ticket-executor';
/** A third failed attempt is a dead letter. */
export const MAX_FAILED_ATTEMPTS = 3;
/** A ticket that was running at so many deaths of the core is set aside. */
export const MAX_DEATHS = 3;

/** What a ticket's stream folds to. */
export interface Ticket {
  id: TicketId;
  state: TicketState;
  draft: TicketDraft;
  runtime: RuntimeName;
  repository: string;
  hash: string;
  contract: string;
  checks: ApprovalContext['checks'];
  modeDecision: ModeDecision;
  /** What the doctor found: it is settled by a repair, not carried out. */
  housekeeping?: true | undefined;
  approvedHash: string | null;
  /** Why it stands where it stands, in words. */
  reason: string;
  blocked: { reason: string; detail: string } | null;
  /** The operator has seen that it stopped. */
  acknowledged: boolean;
  plan: Plan;
  questions: QuestionView[];
  /** The human checkpoint of the latest candidate that hit one. */
  checkpoint: CheckpointView | null;
  /** The folder of the operator's that a candidate waits for. */
  waitsForFolder: string | null;
  attempts: AttemptView[];
  /** Deaths of the core at which it was running. */
  deaths: number;
  candidate: { attempt: AttemptId; commit: CommitId; commits: number } | null;
  results: { attempt: AttemptId; version: number; at: string; position: number; result: ResultReport }[];
  verdicts: {
    attempt: AttemptId;
    version: number;
    at: string;
    position: number;
    verdict: VerdictReport;
    run: RunId;
  }[];
  gates: { version: number; at: string; position: number; report: GateReport }[];
  /** What is on its way to the branch: nothing else decides about the ticket until it is there or could not go. */
  landing: { candidate: CommitId; commit: CommitId } | null;
  merged: { candidate: CommitId; commit: CommitId; branch: string } | null;
  /** When it came to its end: merged or blocked. */
  endedAt: string | null;
  comments: { at: string; by: string; text: string }[];
  predecessor: TicketId | null;
  successor: TicketId | null;
  createdAt: string;
  updatedAt: string;
  version: number;
}

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
  | { type: 'reassign'; runtime: RuntimeName; hash: string }
  | {
      type: 'block';
      reason: Extract<BrandEvent, { type: 'ticket.blocked' }>['data']['reason'];
      detail: string;
      successor: TicketId | null;
    }
  | { type: 'start-attempt'; attempt: AttemptId; run: RunId; base: CommitId }
  | { type: 'submit-result'; attempt: AttemptId; result: ResultReport }
  | { type: 'accept-candidate'; attempt: AttemptId; commit: CommitId; commits: number }
  | { type: 'submit-verdict'; attempt: AttemptId; verdict: VerdictReport; run: RunId }
  | { type: 'report-gate'; report: GateReport }
  | { type: 'wait-at-gate'; attempt: AttemptId; detail: string; folder?: string }
  | {
      type: 'end-attempt';
      attempt: AttemptId;
      outcome: 'failed' | 'unverified' | 'interrupted';
      reason: string;
      counts: boolean;
      /** The core died under it. */
      death?: boolean;
    }
  | { type: 'begin-merge'; attempt: AttemptId; candidate: CommitId; commit: CommitId; onto: CommitId }
  | { type: 'merge'; attempt: AttemptId; candidate: CommitId; commit: CommitId; branch: string }
  | { type: 'publish'; rule: string; outcome: 'done' | 'failed'; detail: string };

type TicketEvent = BrandEvent;

/** The edges of the life of a ticket. `blocked` and `merged` are ends. */
export const EDGES: Record<TicketState, readonly TicketState[]> = {
  draft: ['ready', 'blocked'],
  ready: ['in_progress', 'blocked'],
  in_progress: ['verifying', 'blocked'],
  verifying: ['merged', 'blocked'],
  merged: [],
  blocked: [],
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
    const next = states[event.type] ?? state;
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
    case 'answer':
      return decideQuestion(ticket, command, actor, workingRuns(ticket));
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
    case 'submit-result':
      return decideResult(ticket, command, actor);
    case 'submit-verdict':
      return decideVerdict(ticket, command, actor);
    default:
      return actor.kind === 'core' ? decideForCore(ticket, command) : notTheirs(actor, command.type);
  }
}

type CoreCommand = Extract<
  TicketCommand,
  {
    type:
      | 'start-attempt'
      | 'accept-candidate'
      | 'report-gate'
      | 'wait-at-gate'
      | 'end-attempt'
      | 'begin-merge'
      | 'merge'
      | 'publish';
  }
>;

function decideForCore(ticket: Ticket, command: CoreCommand): Decision {
  switch (command.type) {
    case 'start-attempt':
      return decideStart(ticket, command);
    case 'accept-candidate':
      return decideCandidate(ticket, command);
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
    case 'end-attempt':
      return decideEnd(ticket, command);
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

function endOpenAttempt(ticket: Ticket, reason: string): TicketEvent[] {
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

function decideStart(ticket: Ticket, command: Extract<TicketCommand, { type: 'start-attempt' }>): Decision {
  return inState(ticket, 'start', ['ready', 'in_progress', 'verifying'], () => {
    const open = openAttempt(ticket);
    if (open) return fail('refused-transition', `attempt ${open.id} of ${ticket.id} has not ended`);
    if (ticket.attempts.some((attempt) => attempt.id === command.attempt))
      return fail('already-exists', `there was an attempt ${command.attempt} already`);
    if (ticket.approvedHash !== ticket.hash)
      return fail('not-authorized', `${ticket.id} is not approved as it reads now`);
    const unplanned = planRefusal(ticket);
    if (unplanned !== null) return fail('not-authorized', unplanned);
    const events: TicketEvent[] = ticket.state === 'ready' ? [{ type: 'ticket.started', data: {} }] : [];
    events.push({
      type: 'attempt.started',
      data: { attempt: command.attempt, run: command.run, runtime: ticket.runtime, base: command.base },
    });
    return ok(events);
  });
}

function decideResult(
  ticket: Ticket,
  command: Extract<TicketCommand, { type: 'submit-result' }>,
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
  command: Extract<TicketCommand, { type: 'accept-candidate' }>,
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

function decideVerdict(
  ticket: Ticket,
  command: Extract<TicketCommand, { type: 'submit-verdict' }>,
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

function decideEnd(ticket: Ticket, command: Extract<TicketCommand, { type: 'end-attempt' }>): Decision {
  const open = openAttempt(ticket);
  if (open?.id !== command.attempt)
    return fail('refused-transition', `attempt ${command.attempt} is not open`);
  const events: TicketEvent[] = [
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

/** The last word before the branch moves: whatever happened while the gate was at work counts here. */
function decideBeginMerge(
  ticket: Ticket,
  command: Extract<TicketCommand, { type: 'begin-merge' }>,
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

function decideMerge(ticket: Ticket, command: Extract<TicketCommand, { type: 'merge' }>): Decision {
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

/** Whether a verdict or a gate has failed this commit: a later pass on it does not count. */
export function hasFailed(ticket: Ticket, commit: CommitId): boolean {
  return (
    ticket.verdicts.some((v) => v.verdict.commit === commit && v.verdict.verdict === 'fail') ||
    ticket.gates.some((g) => g.report.candidate === commit && g.report.outcome === 'fail')
  );
}

export function openAttempt(ticket: Ticket): AttemptView | undefined {
  return ticket.attempts.find((attempt) => attempt.state === 'running' || attempt.state === 'submitted');
}

/** The runs that work on a ticket now, each with its attempt. */
function workingRuns(ticket: Ticket): { run: RunId; attempt: AttemptId | null }[] {
  const open = openAttempt(ticket);
  return [
    ...(open?.state === 'running' ? [{ run: open.run, attempt: open.id }] : []),
    ...(ticket.plan.run === null ? [] : [{ run: ticket.plan.run, attempt: null }]),
  ];
}

function worksOn(ticket: Ticket, run: RunId): boolean {
  return workingRuns(ticket).some((one) => one.run === run);
}

/** Whether it goes on only when the operator has answered: nothing of it runs until then. */
export function waitsForAnswer(ticket: Ticket): boolean {
  return openQuestions(ticket).length > 0 && openAttempt(ticket) === undefined && ticket.plan.run === null;
}

/** Whether it could be taken up now: approved, in nobody's hands, every dependency merged. */
export function isAvailable(ticket: Ticket, find: (id: TicketId) => Ticket | null): boolean {
  return (
    ticket.state === 'ready' &&
    openAttempt(ticket) === undefined &&
    ticket.draft.dependsOn.every((id) => find(id)?.state === 'merged')
  );
}

export function failedAttempts(ticket: Ticket): number {
  return ticket.attempts.filter((attempt) => attempt.endedAt !== null && attempt.counts).length;
}

const states: Partial<Record<BrandEvent['type'], TicketState>> = {
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

/** The mode of a ticket whose log is from before policy chose it. */
export function saidByDraft(draft: TicketDraft): ModeDecision {
  const reason = 'the draft says so';
  return { mode: draft.mode ?? 'direct', rule: 'draft', reason, review: 'reviewer' };
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
    state: states[event.type] ?? ticket.state,
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
      return { ...next, reason: `a run asks: ${event.data.text}` };
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
