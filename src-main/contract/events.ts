import { z } from 'zod';
import { AskId, AttemptId, BrandId, CommitId, RunId, TicketId } from './ids.ts';
import { LayerProof } from './layers.ts';
import { PolicyLevel, ToolKind } from './policy.ts';
import { SessionId } from './runs.ts';
import {
  CheckpointHit,
  GateReport,
  ModeDecision,
  ResultReport,
  RuntimeName,
  TicketDraft,
  VerdictReport,
} from './tickets.ts';

/** Who did it. Authority belongs to the connection: a run can never be an operator. */
export const Actor = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('operator'), door: z.enum(['cli', 'browser', 'window']) }),
  z.object({ kind: z.literal('core'), part: z.string() }),
  z.object({ kind: z.literal('run'), run: RunId, role: z.string() }),
]);
export type Actor = z.infer<typeof Actor>;

const checks = z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: z.string() });

/** Everything that can be in a brand's log, by type. Old shapes are upcast, never rewritten. */
export const BrandEvents = {
  'ticket.drafted': z.object({
    ticket: TicketId,
    draft: TicketDraft,
    runtime: RuntimeName,
    repository: z.string(),
    hash: z.string(),
    contract: z.string(),
    checks,
    predecessor: TicketId.nullable(),
    /** Absent in logs from before policy chose the mode: the draft said it. */
    modeDecision: ModeDecision.optional(),
    /** What the doctor found: it is settled by a repair, not carried out. */
    housekeeping: z.literal(true).optional(),
  }),
  'ticket.edited': z.object({
    draft: TicketDraft,
    runtime: RuntimeName,
    repository: z.string(),
    hash: z.string(),
    contract: z.string(),
    checks,
    modeDecision: ModeDecision.optional(),
  }),
  'ticket.approved': z.object({ hash: z.string() }),
  'ticket.returned': z.object({ note: z.string() }),
  'ticket.commented': z.object({ text: z.string() }),
  'ticket.reassigned': z.object({ runtime: RuntimeName, hash: z.string() }),
  'ticket.blocked': z.object({
    reason: z.enum([
      'operator',
      'withdrawn',
      'dependency',
      'dead-letter',
      'changed',
      'refused',
      'crash-loop',
      'settled',
    ]),
    detail: z.string(),
    successor: TicketId.nullable(),
  }),
  /** A ticket that `import` brought in, whole, as its line of `tickets.jsonl` had it. */
  'ticket.imported': z.object({ ticket: TicketId, record: z.record(z.string(), z.unknown()) }),
  'ticket.started': z.object({}),
  /** The operator has seen that it stopped and leaves it at that. */
  'ticket.acknowledged': z.object({}),
  /** A run that writes a plan and then stops. It is no attempt. */
  'plan.started': z.object({ run: RunId, runtime: RuntimeName, base: CommitId }),
  'plan.submitted': z.object({ version: z.number().int(), run: RunId, text: z.string() }),
  'plan.ended': z.object({
    run: RunId,
    outcome: z.enum(['submitted', 'failed', 'interrupted']),
    reason: z.string(),
  }),
  /** A reviewer's run looks at a version; where it decides nothing, the operator does. */
  'plan.review-started': z.object({ version: z.number().int(), run: RunId }),
  'plan.approved': z.object({ version: z.number().int(), note: z.string() }),
  'plan.revision-asked': z.object({ version: z.number().int(), note: z.string() }),
  'question.asked': z.object({
    question: z.string(),
    /** Null where Atrium asks by itself, and says what about. */
    run: RunId.nullable(),
    about: z.literal('conflict').optional(),
    attempt: AttemptId.nullable(),
    text: z.string(),
    choices: z.array(z.string()),
  }),
  'question.answered': z.object({ question: z.string(), answer: z.string() }),
  'checkpoint.raised': z.object({ attempt: AttemptId, commit: CommitId, hits: z.array(CheckpointHit) }),
  'checkpoint.approved': z.object({ commit: CommitId, note: z.string() }),
  'checkpoint.refused': z.object({ commit: CommitId, note: z.string() }),
  /** What a run would have in the wiki: the librarian writes it, with the ticket as its evidence. */
  'wiki.write-requested': z.object({ ticket: TicketId, run: RunId, text: z.string() }),
  'handoff.written': z.object({
    handoff: z.string(),
    ticket: TicketId.nullable(),
    from: z.string(),
    to: z.string(),
  }),
  'handoff.read': z.object({ handoff: z.string(), by: z.string() }),
  'attempt.started': z.object({ attempt: AttemptId, run: RunId, runtime: RuntimeName, base: CommitId }),
  'attempt.ended': z.object({
    attempt: AttemptId,
    outcome: z.enum(['passed', 'failed', 'unverified', 'interrupted']),
    reason: z.string(),
    counts: z.boolean(),
    /** The core died under it. */
    death: z.boolean(),
  }),
  'result.submitted': z.object({ attempt: AttemptId, version: z.number().int(), result: ResultReport }),
  'ticket.submitted': z.object({ attempt: AttemptId, commit: CommitId, commits: z.number().int() }),
  'verdict.submitted': z.object({
    attempt: AttemptId,
    version: z.number().int(),
    verdict: VerdictReport,
    run: RunId,
  }),
  'gate.reported': z.object({ version: z.number().int(), report: GateReport }),
  /** `folder`: what of the operator's it waits for; absent where it goes on by itself. */
  'gate.waiting': z.object({ attempt: AttemptId, detail: z.string(), folder: z.string().optional() }),
  /** Every condition holds; from now until the branch has moved, or could not, nothing else decides about the ticket. */
  'merge.began': z.object({ attempt: AttemptId, candidate: CommitId, commit: CommitId, onto: CommitId }),
  'ticket.merged': z.object({
    attempt: AttemptId,
    candidate: CommitId,
    commit: CommitId,
    branch: z.string(),
  }),
  'merge.published': z.object({ rule: z.string(), outcome: z.enum(['done', 'failed']), detail: z.string() }),
  'run.started': z.object({
    run: RunId,
    role: z.string(),
    ticket: TicketId.nullable(),
    attempt: AttemptId.nullable(),
    runtime: RuntimeName,
    contract: z.string(),
  }),
  'run.proved': z.object({ run: RunId, canaries: z.number().int(), limits: z.string() }),
  /** The session that its agent program works in: a later run can go on with it. */
  'run.session': z.object({ run: RunId, session: SessionId }),
  'run.used': z.object({
    run: RunId,
    provider: z.string(),
    model: z.string(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
    costUsd: z.number(),
    /** The operator's local day, YYYY-MM-DD. */
    day: z.string(),
  }),
  'run.ended': z.object({
    run: RunId,
    outcome: z.enum(['done', 'failed', 'stopped', 'interrupted']),
    reason: z.string(),
  }),
  'guard.decided': z.object({
    run: RunId.nullable(),
    decision: z.enum(['deny', 'ask']),
    rule: z.string(),
    reason: z.string(),
    tool: z.string(),
    layer: z.string(),
    level: PolicyLevel.optional(),
    /** Milliseconds that the decision took. */
    ms: z.number().optional(),
    /** `after`: found by a guard that looked at what the call did. */
    moment: z.enum(['before', 'after']).optional(),
  }),
  /** What canaries showed of the four layers. */
  'layers.proved': z.object({ layers: z.array(LayerProof) }),
  /** A call waits for the operator. */
  'guard.asked': z.object({
    ask: AskId,
    run: RunId,
    ticket: TicketId.nullable(),
    role: z.string(),
    tool: z.string(),
    kind: ToolKind,
    text: z.string(),
    paths: z.array(z.string()),
    rule: z.string(),
    level: PolicyLevel,
    reason: z.string(),
    expiresAt: z.string(),
    /** Milliseconds that it took to decide that the operator is asked. */
    ms: z.number(),
  }),
  'guard.answered': z.object({
    ask: AskId,
    run: RunId,
    decision: z.enum(['allow', 'deny']),
    note: z.string(),
  }),
  /** Nobody answered within its time, or nobody waits for it any more: it counts as a denial. */
  'guard.expired': z.object({ ask: AskId, run: RunId, reason: z.string() }),
  'repository.added': z.object({ name: z.string(), path: z.string(), branch: z.string(), checks }),
  'repository.proved': z.object({
    name: z.string(),
    commit: CommitId,
    baseline: z.enum(['green', 'red', 'none']),
    detail: z.string(),
  }),
  /** The branch was moved by somebody else: `forward` is a fast-forward, taken note of; anything else is to be looked at. */
  'branch.moved': z.object({ name: z.string(), from: CommitId, to: CommitId, forward: z.boolean() }),
  /** The operator says that what the branch was moved to may be built on. */
  'branch.accepted': z.object({ name: z.string(), commit: CommitId }),
  'page.written': z.object({
    page: z.string(),
    ticket: TicketId.nullable(),
    finding: z.string(),
    authority: z.string(),
    hash: z.string(),
  }),
  'finding.recorded': z.object({
    finding: z.string(),
    confidence: z.enum(['high', 'medium', 'low']),
    claim: z.string(),
    action: z.enum(['write', 'ask', 'ledger']),
    ticket: TicketId.nullable(),
  }),
  'checkout.removed': z.object({ folder: z.string(), reason: z.string(), saved: z.string().nullable() }),
} as const;

/** Everything that can be in the workspace's own log: what spans brands. */
export const WorkspaceEvents = {
  'brand.added': z.object({ brand: BrandId, sealed: z.boolean() }),
  'start.began': z.object({ run: z.string(), day: z.string() }),
  /** `report` is a StartReport; `positions` are the heads of the brands' logs then. */
  'start.ended': z.object({
    run: z.string(),
    report: z.record(z.string(), z.unknown()),
    positions: z.record(z.string(), z.number().int()),
  }),
  /** The whole workspace was examined; `report` is a DoctorReport. */
  'doctor.examined': z.object({ report: z.record(z.string(), z.unknown()) }),
} as const;

/** Only what is needed of a schema here: whole ones would be compared member by member. */
type Schemas = Record<string, { _zod: { output: unknown } }>;
type EventOf<S extends Schemas> = { [T in keyof S & string]: { type: T; data: z.infer<S[T]> } }[keyof S &
  string];

export type BrandEvent = EventOf<typeof BrandEvents>;
export type BrandEventType = BrandEvent['type'];
export type WorkspaceEvent = EventOf<typeof WorkspaceEvents>;

/** An event as every door sees it. */
export const RecordedEvent = z.object({
  position: z.number().int(),
  stream: z.string(),
  version: z.number().int(),
  type: z.string(),
  data: z.unknown(),
  actor: Actor,
  at: z.string(),
});
interface Envelope {
  position: number;
  stream: string;
  version: number;
  actor: Actor;
  at: string;
}
export type RecordedEvent<E extends { type: string; data: unknown } = BrandEvent> = E extends unknown
  ? Envelope & E
  : never;
