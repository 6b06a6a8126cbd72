import { z } from 'zod';
import { AttemptId, BrandId, CommitId, RunId, TicketId } from './ids.ts';
import { PolicyRules } from './policy.ts';

/** draft → ready → in_progress → verifying → merged; blocked from any of the first four. Never backward. */
export const TicketState = z.enum(['draft', 'ready', 'in_progress', 'verifying', 'merged', 'blocked']);
export type TicketState = z.infer<typeof TicketState>;

export const TicketMode = z.enum(['direct', 'plan_first']);
export type TicketMode = z.infer<typeof TicketMode>;

/** Which mode a ticket goes in, and the row of policy that says so (`draft` where the draft says it itself). */
export const ModeDecision = z.object({
  mode: TicketMode,
  rule: z.string(),
  reason: z.string(),
  /** Who may review its plan: the operator alone, or a reviewer's run as well. */
  review: z.enum(['operator', 'reviewer']),
});
export type ModeDecision = z.infer<typeof ModeDecision>;

export const ModelClass = z.enum(['light', 'medium', 'heavy']);
export type ModelClass = z.infer<typeof ModelClass>;

/** The runtimes that Atrium has an adapter of its own for. */
export const KnownRuntime = z.enum(['command', 'scripted', 'gemini', 'claude', 'codex', 'opencode']);
export type KnownRuntime = z.infer<typeof KnownRuntime>;

/** What an agent is called in `workspace.yaml` under `acpAgents`. */
export const AcpAgentName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/);

/** A runtime: a known one, or `acp-<name>` for an agent that `workspace.yaml` declares. */
export const RuntimeName = z.union([KnownRuntime, z.templateLiteral(['acp-', AcpAgentName])], {
  error: `one of ${KnownRuntime.options.join(', ')}, or acp-<name> for an agent of workspace.yaml`,
});
export type RuntimeName = z.infer<typeof RuntimeName>;

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'one line without control characters');

/** A glob inside the repository: relative, without "..". */
export const PathGlob = line(300).refine(
  (glob) => !glob.startsWith('/') && !glob.split('/').includes('..') && !glob.startsWith('!'),
  'a path relative to the repository, without ".." and not negated',
);

/** A host that a run may reach beside its model. */
export const NetworkHost = z
  .string()
  .regex(/^(\*\.)?[a-z0-9.-]{1,253}(:[0-9]{1,5})?$/i, 'a host name, with an optional port');

/**
 * What a ticket is drafted from (`ticket draft --file`): only the title is required. Unknown fields are an error, so that a
 * misspelt one is not lost.
 */
export const TicketDraft = z.strictObject({
  title: line(200),
  description: z.string().max(50_000).default(''),
  /** Why this ticket is there: the answer or the finding that it came from. */
  why: z.string().max(5_000).default(''),
  /** Globs of what it may change; none means the whole repository. */
  paths: z.array(PathGlob).max(200).default([]),
  /** Shell commands that must end with exit code 0 on the merged tree. */
  acceptance: z.array(line(2_000)).max(50).default([]),
  runtime: RuntimeName.optional(),
  /** The shell command of the `command` runtime. */
  command: z.string().min(1).max(20_000).optional(),
  model: line(100).optional(),
  modelClass: ModelClass.default('medium'),
  /** Policy chooses where none is given. */
  mode: TicketMode.optional(),
  /** 1 high to 5 low. */
  priority: z.number().int().min(1).max(5).default(3),
  dependsOn: z.array(TicketId).max(50).default([]),
  parent: TicketId.optional(),
  references: z.array(line(500)).max(50).default([]),
  costCapUsd: z.number().min(0).max(10_000).default(5),
  /** Hosts that the run may reach beside its model. */
  network: z.array(NetworkHost).max(50).default([]),
  /** Names of secrets that the run may read. */
  grants: z.array(line(100)).max(50).default([]),
  /** Which of the brand's repositories, by name; the first where none is named. */
  repository: line(200).optional(),
  /** The commit of a desk that is proposed: it is the candidate, and no agent runs. */
  commit: CommitId.optional(),
  /** Which contract carries it out; `ticket-executor` where none is named. */
  contract: line(41).optional(),
  /** Rules of policy for this ticket alone, below those of every other level. */
  rules: PolicyRules.optional(),
});
export type TicketDraft = z.infer<typeof TicketDraft>;
export type TicketDraftInput = z.input<typeof TicketDraft>;

/** What the executor's contract and the repository add to what an approval covers. */
export const ApprovalContext = z.object({
  contract: z.string(),
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: z.string() }),
  repository: z.string(),
});
export type ApprovalContext = z.infer<typeof ApprovalContext>;

/** An executor's evidence: it moves nothing by itself. */
export const ResultReport = z.object({
  ticket: TicketId,
  commit: CommitId,
  summary: z.string().min(1).max(20_000),
  commands: z
    .array(z.object({ command: z.string().max(2_000), exitCode: z.number().int() }))
    .max(200)
    .default([]),
  files: z.array(z.string().max(1_000)).max(5_000).default([]),
});
export type ResultReport = z.infer<typeof ResultReport>;

export const Verdict = z.enum(['pass', 'fail', 'unverified']);
export type Verdict = z.infer<typeof Verdict>;

export const VerdictReport = z.object({
  ticket: TicketId,
  commit: CommitId,
  verdict: Verdict,
  reasons: z.array(z.string().max(4_000)).max(100),
});
export type VerdictReport = z.infer<typeof VerdictReport>;

/** One condition of the gate, with what showed it. */
export const GateCondition = z.object({
  name: z.enum(['commits', 'merge', 'paths', 'test', 'lint', 'verdict', 'doctor', 'checkpoints']),
  outcome: Verdict,
  detail: z.string(),
  /** Tests counted, where tests are counted. */
  counted: z.number().int().optional(),
  durationMs: z.number(),
});
export type GateCondition = z.infer<typeof GateCondition>;

export const GateReport = z.object({
  attempt: AttemptId,
  onto: CommitId,
  candidate: CommitId,
  tree: z.string(),
  outcome: Verdict,
  conditions: z.array(GateCondition),
});
export type GateReport = z.infer<typeof GateReport>;

export const AttemptView = z.object({
  id: AttemptId,
  run: RunId,
  runtime: RuntimeName,
  state: z.enum(['running', 'submitted', 'passed', 'failed', 'unverified', 'interrupted']),
  reason: z.string(),
  /** The commit that it began on. */
  base: CommitId,
  commit: CommitId.nullable(),
  /** False for what counts against no ticket: an interruption by the death of the core. */
  counts: z.boolean(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});
export type AttemptView = z.infer<typeof AttemptView>;

export const TimelineEntry = z.object({
  at: z.string(),
  position: z.number().int(),
  type: z.string(),
  text: z.string(),
});
export type TimelineEntry = z.infer<typeof TimelineEntry>;

/** The most that a plan may hold, in characters. */
const PLAN_LENGTH = 50_000;

/** What an executor means to do, in markdown: it stops when it has submitted it. */
export const PlanText = z.string().trim().min(1).max(PLAN_LENGTH);

/** One version of a plan with what was said about it; all versions stay readable. */
export const PlanVersion = z.object({
  version: z.number().int(),
  text: z.string(),
  /** The run that wrote it: it never reviews it. */
  run: RunId,
  at: z.string(),
  position: z.number().int(),
  review: z
    .object({
      decision: z.enum(['approved', 'revision']),
      /** `operator`, or the role and run that reviewed it. */
      by: z.string(),
      note: z.string(),
      at: z.string(),
    })
    .nullable(),
});
export type PlanVersion = z.infer<typeof PlanVersion>;

/** `none`: not asked for yet · `planning`: a run writes it · `waiting`: for a review · `approved`: it can be carried out. */
export const PlanState = z.enum(['none', 'planning', 'waiting', 'approved']);
export type PlanState = z.infer<typeof PlanState>;

/** A question of a run to the operator. The answer reaches the run while it waits, or the brief of the next one. */
export const QuestionView = z.object({
  id: z.string(),
  /** Null where Atrium asks by itself. */
  run: RunId.nullable(),
  /** What Atrium asks about by itself; absent where a run asks. */
  about: z.literal('conflict').optional(),
  text: z.string(),
  choices: z.array(z.string()),
  at: z.string(),
  answer: z.string().nullable(),
  answeredAt: z.string().nullable(),
});
export type QuestionView = z.infer<typeof QuestionView>;

/** What a difference touches that a person decides about: the rule that found it, and why the rule is there. */
export const CheckpointHit = z.object({
  rule: z.string(),
  kind: z.enum(['migration', 'breaking-api', 'security', 'production', 'verification']),
  path: z.string(),
  reason: z.string(),
});
export type CheckpointHit = z.infer<typeof CheckpointHit>;

/** A human checkpoint of one exact commit. */
export const CheckpointView = z.object({
  attempt: AttemptId,
  commit: CommitId,
  hits: z.array(CheckpointHit),
  state: z.enum(['waiting', 'approved', 'refused']),
  at: z.string(),
});
export type CheckpointView = z.infer<typeof CheckpointView>;

/** One version of an artifact of a ticket (a plan, a result, a verdict, a gate report): all versions stay readable. */
export const ArtifactView = z.object({
  name: z.enum(['plan', 'result', 'verdict', 'gate-report']),
  version: z.number().int(),
  /** Null for a plan: it is not an attempt. */
  attempt: AttemptId.nullable(),
  at: z.string(),
  position: z.number().int(),
  content: z.unknown(),
});
export type ArtifactView = z.infer<typeof ArtifactView>;

/** A row of `ticket list`. */
export const TicketSummary = z.object({
  id: TicketId,
  brand: BrandId,
  title: z.string(),
  state: TicketState,
  mode: TicketMode,
  priority: z.number().int(),
  /** What an approval must name: it changes with everything that bears on what will happen. */
  hash: z.string(),
  dependsOn: z.array(TicketId),
  paths: z.array(z.string()),
  acceptance: z.array(z.string()),
  runtime: RuntimeName,
  costCapUsd: z.number(),
  /** How many attempts there were. */
  attempts: z.number().int(),
  blockedReason: z.string().nullable(),
  /** Why it stands where it stands, in words. */
  reason: z.string(),
  parent: TicketId.nullable(),
  /** What the doctor found: settled by a repair, never approved or carried out. */
  housekeeping: z.boolean(),
  /** The ticket in which a blocked one goes on. */
  successor: TicketId.nullable(),
  /** Who has it: a runtime's name while an attempt runs, else null. */
  assignee: z.string().nullable(),
  repository: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  version: z.number().int(),
});
export type TicketSummary = z.infer<typeof TicketSummary>;

/** `ticket show`. */
export const TicketDetail = TicketSummary.extend({
  description: z.string(),
  why: z.string(),
  /** The newest plan of a plan_first ticket; null until one is submitted. */
  plan: z.string().nullable(),
  planState: PlanState,
  plans: z.array(PlanVersion),
  /** Which row of policy chose the mode. */
  modeDecision: ModeDecision,
  questions: z.array(QuestionView),
  /** The human checkpoint of the latest candidate that hit one. */
  checkpoint: CheckpointView.nullable(),
  command: z.string().nullable(),
  /** The commit that is proposed as it is; null where an agent carries the ticket out. */
  commit: CommitId.nullable().default(null),
  model: z.string().nullable(),
  modelClass: ModelClass,
  network: z.array(z.string()),
  grants: z.array(z.string()),
  references: z.array(z.string()),
  blocks: z.array(TicketId),
  contract: z.string(),
  /** Rules of policy of this ticket alone. */
  rules: PolicyRules.optional(),
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: z.string() }),
  base: CommitId.nullable(),
  mergedCommit: CommitId.nullable(),
  predecessor: TicketId.nullable(),
  comments: z.array(z.object({ at: z.string(), by: z.string(), text: z.string() })),
  attemptList: z.array(AttemptView),
  artifacts: z.array(ArtifactView),
  timeline: z.array(TimelineEntry),
  costUsd: z.number(),
});
export type TicketDetail = z.infer<typeof TicketDetail>;
