import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { CountBy, WorkspaceConfig } from './config.ts';
import { Failure } from './errors.ts';
import { RecordedEvent } from './events.ts';
import { AskView, DecisionEntry } from './guard.ts';
import { GuardProof } from './layers.ts';
import { HandoffInput, HandoffView } from './handoff.ts';
import { AskId, AttemptId, BrandId, CommandId, CommitId, RunId, TicketId } from './ids.ts';
import { PolicyLevel } from './policy.ts';
import {
  PlanState,
  PlanVersion,
  RuntimeName,
  TicketDetail,
  TicketDraft,
  TicketState,
  TicketSummary,
  TimelineEntry,
} from './tickets.ts';
import { DeskView, TerminalSize, TerminalView } from './terminals.ts';

/** A domain failure is data; what is thrown is a fault of the connection or of the core. */
const fallible = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), failure: Failure }),
  ]);

const call = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  oc.input(input).output(fallible(output));

/** Every command carries its id, so that a repeat returns its receipt. */
const command = z.object({ commandId: CommandId.optional() });

export const RepositoryView = z.object({
  name: z.string(),
  path: z.string(),
  branch: z.string(),
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: CountBy }),
  /** What the checks said about the branch as it is: `red` means "fails on main too". */
  baseline: z.enum(['green', 'red', 'none', 'not-run']),
  detail: z.string(),
});
export type RepositoryView = z.infer<typeof RepositoryView>;

export const BrandView = z.object({
  id: BrandId,
  name: z.string(),
  colour: z.number().int(),
  sealed: z.boolean(),
  state: z.enum(['open', 'closed']),
  error: z.string().optional(),
  repositories: z.array(RepositoryView),
});
export type BrandView = z.infer<typeof BrandView>;

export const RunView = z.object({
  id: RunId,
  brand: BrandId,
  role: z.string(),
  ticket: TicketId.nullable(),
  attempt: AttemptId.nullable(),
  runtime: RuntimeName,
  state: z.enum(['running', 'done', 'failed', 'stopped', 'interrupted']),
  /** Why it ended, or what it does now, in words. */
  reason: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Share of the model's context in use, 0 to 1; null where the runtime does not say. */
  contextUsed: z.number().nullable(),
  tokens: z.object({ input: z.number().int(), output: z.number().int() }),
  costUsd: z.number(),
  /** Canaries that were denied before the launch; null while they run. */
  canaries: z.number().int().nullable(),
  limits: z.string(),
});
export type RunView = z.infer<typeof RunView>;

/** A line of a run's transcript: normalised over all runtimes. */
export const RunOutput = z.object({
  /** Place in the transcript, from 0. */
  index: z.number().int(),
  at: z.string(),
  kind: z.enum([
    'text',
    'thought',
    'tool',
    'permission',
    'stdout',
    'stderr',
    'usage',
    'error',
    'note',
    'end',
  ]),
  text: z.string(),
});
export type RunOutput = z.infer<typeof RunOutput>;

/** What this machine lacks: each in one sentence, with what to do. */
export const Lack = z.object({
  what: z.enum(['sandbox', 'git', 'runtime', 'limits']),
  message: z.string(),
  hint: z.string(),
});
export type Lack = z.infer<typeof Lack>;

export const RuntimeView = z.object({
  name: RuntimeName,
  title: z.string(),
  /** Absent is said, not failed. */
  present: z.boolean(),
  version: z.string(),
  detail: z.string(),
  /** What the program can do behind the port; none where it is absent. */
  capabilities: z.array(z.string()),
  /** When it was looked at. */
  probedAt: z.string(),
});
export type RuntimeView = z.infer<typeof RuntimeView>;

/** One thing that waits for the operator: every door shows the same list. */
export const WaitingItem = z.object({
  /** Names it for good: an answer to it is an answer to exactly this. */
  key: z.string(),
  kind: z.enum(['ask', 'question', 'checkpoint', 'conflict', 'plan', 'approval', 'dead-letter']),
  brand: BrandId,
  ticket: TicketId.nullable(),
  run: RunId.nullable(),
  title: z.string(),
  /** What is to be decided, and why, in words. */
  detail: z.string(),
  priority: z.number().int(),
  since: z.string(),
});
export type WaitingItem = z.infer<typeof WaitingItem>;

/** How much waits: `total` is the one count that every door shows. */
export const WaitingCounts = z.object({
  questions: z.number().int(),
  approvals: z.number().int(),
  total: z.number().int(),
});
export type WaitingCounts = z.infer<typeof WaitingCounts>;

export const StatusView = z.object({
  workspace: z.string(),
  core: z.object({ pid: z.number().int(), socket: z.string(), url: z.string().optional() }).nullable(),
  brands: z.array(z.object({ id: BrandId, state: z.enum(['open', 'closed']), error: z.string().optional() })),
  waiting: WaitingCounts,
  /** What waits, most urgent first. */
  waits: z.array(WaitingItem),
  running: z.number().int(),
  /** Agent programs as the core sees them; absent while none runs. */
  runtimes: z.array(RuntimeView).optional(),
});
export type StatusView = z.infer<typeof StatusView>;

export const PhaseView = z.object({
  number: z.number().int().min(0).max(8),
  name: z.string(),
  outcome: z.enum(['ran', 'skipped', 'waiting', 'failed', 'would-run', 'would-skip', 'running']),
  reason: z.string(),
  ms: z.number(),
  /** Agent processes that the phase started. */
  runs: z.number().int(),
});
export type PhaseView = z.infer<typeof PhaseView>;

export const StartReport = z.object({
  run: z.string(),
  phases: z.array(PhaseView),
  waiting: WaitingCounts.extend({
    /** Absent in reports from before there was one list. */
    total: z.number().int().optional(),
  }),
  merged: z.array(TicketId),
  blocked: z.array(z.object({ id: TicketId, reason: z.string() })),
});
export type StartReport = z.infer<typeof StartReport>;

export const StartAnswers = z.strictObject({
  brands: z.union([z.array(BrandId), z.literal('all')]).default('all'),
  answers: z.record(z.string(), z.union([z.number().int(), z.object({ text: z.string() })])).default({}),
  default: z.enum(['first', 'skip']).default('skip'),
});
export type StartAnswers = z.infer<typeof StartAnswers>;

export const GuardDecision = z.object({
  decision: z.enum(['allow', 'deny', 'ask']),
  rule: z.string(),
  reason: z.string(),
  layer: z.string(),
  /** Whose rule it is. */
  level: PolicyLevel.optional(),
});
export type GuardDecision = z.infer<typeof GuardDecision>;

export const GuardQuestion = z.object({
  brand: z.string(),
  role: z.string(),
  run: z.string().optional(),
  tool: z.string(),
  input: z.record(z.string(), z.unknown()),
  cwd: z.string(),
});
export type GuardQuestion = z.infer<typeof GuardQuestion>;

export const CheckView = z.object({
  number: z.number().int().min(1).max(19),
  title: z.string(),
  ok: z.boolean(),
  /** What it proved, or the first trouble. */
  detail: z.string(),
  ms: z.number(),
  /** False for a check that is not built yet: it counts as not passed. */
  built: z.boolean(),
  /** When it was proved, ISO 8601. */
  at: z.string(),
});
export type CheckView = z.infer<typeof CheckView>;

export const DoctorReport = z.object({
  grade: z.string(),
  passed: z.number().int(),
  total: z.literal(19),
  checks: z.array(CheckView),
  /** What does not hold, one by one; the brand is null where it is the workspace's own. */
  deviations: z.array(z.object({ number: z.number().int(), brand: BrandId.nullable(), detail: z.string() })),
  /** When it ended, ISO 8601. */
  at: z.string(),
  /** What Atrium put right by itself before it graded. */
  mended: z.array(z.string()),
  /** What the operator did, which is no fault: commits by hand, edited pages, newer agent programs. */
  noted: z.array(z.string()),
});
export type DoctorReport = z.infer<typeof DoctorReport>;

export const SearchHit = z.object({
  page: z.string(),
  title: z.string(),
  brand: z.string(),
  confidence: z.string(),
  /** Plain text; matches stand between U+0002 and U+0003. */
  snippet: z.string(),
  sources: z.array(z.object({ kind: z.string(), ref: z.string() })),
});
export type SearchHit = z.infer<typeof SearchHit>;

export const PageView = z.object({
  page: z.string(),
  title: z.string(),
  brand: z.string(),
  authority: z.string(),
  confidence: z.string(),
  updated: z.string(),
  sources: z.array(z.object({ kind: z.string(), ref: z.string() })),
  body: z.string(),
  hash: z.string(),
  backlinks: z.array(z.string()),
  claims: z.array(
    z.object({
      id: z.string(),
      text: z.string(),
      confidence: z.string(),
      sources: z.array(z.string()),
      updated: z.string(),
    }),
  ),
});
export type PageView = z.infer<typeof PageView>;

export const CostReport = z.object({
  currency: z.literal('USD'),
  total: z.number(),
  rows: z.array(
    z.object({
      key: z.string(),
      inputTokens: z.number().int(),
      outputTokens: z.number().int(),
      costUsd: z.number(),
    }),
  ),
});
export type CostReport = z.infer<typeof CostReport>;

/** Proposes what is in a desk as a ticket: paths are those that differ, runtime and command are none. */
export const DeskProposal = z.object({
  brand: BrandId,
  repository: z.string().max(200).optional(),
  title: TicketDraft.shape.title,
  description: TicketDraft.shape.description,
  acceptance: TicketDraft.shape.acceptance,
});
export type DeskProposal = z.infer<typeof DeskProposal>;

/** Everything that a window shows at once; events after its positions bring it up to date. */
export const Snapshot = z.object({
  workspace: z.object({ path: z.string(), name: z.string(), today: z.string() }),
  config: WorkspaceConfig,
  brands: z.array(BrandView),
  tickets: z.array(TicketSummary),
  runs: z.array(RunView),
  lacks: z.array(Lack),
  runtimes: z.array(RuntimeView),
  waiting: z.array(WaitingItem),
  lastStart: StartReport.nullable(),
  /** The doctor's last examination of the whole workspace. */
  doctor: DoctorReport.nullable(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/**
 * What the window's feed tells: values that changed, whole. `event` is a line of a brand's activity. A feed begins with
 * `snapshot`; after a gap it begins again.
 */
export const FeedItem = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('snapshot'), snapshot: Snapshot }),
  z.object({ kind: z.literal('ticket'), ticket: TicketSummary }),
  z.object({ kind: z.literal('run'), run: RunView }),
  z.object({ kind: z.literal('brand'), brand: BrandView }),
  z.object({
    kind: z.literal('activity'),
    brand: BrandId.nullable(),
    entry: TimelineEntry,
    ticket: TicketId.nullable(),
  }),
  z.object({ kind: z.literal('page'), brand: z.string(), page: z.string() }),
  /** All that waits in a brand now. */
  z.object({ kind: z.literal('waiting'), brand: BrandId, items: z.array(WaitingItem) }),
  z.object({ kind: z.literal('doctor'), report: DoctorReport }),
  z.object({ kind: z.literal('start'), report: StartReport, ended: z.boolean() }),
]);
export type FeedItem = z.infer<typeof FeedItem>;

const brandAdd = z.object({
  id: BrandId,
  name: z.string().trim().min(1).max(100),
  repositories: z.array(z.string().min(1)).min(1),
  sealed: z.boolean().default(false),
  setup: z.string().optional(),
  test: z.string().optional(),
  lint: z.string().optional(),
  count: CountBy.optional(),
  /** Confirms what was guessed; without it nothing is added and the guess is told. */
  confirmed: z.boolean(),
});

export const RepositoryGuess = z.object({
  path: z.string(),
  name: z.string(),
  branch: z.string(),
  commit: CommitId,
  checks: z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: CountBy }),
  lockfiles: z.array(z.string()),
  setupHosts: z.array(z.string()),
  notes: z.array(z.string()),
});
export type RepositoryGuess = z.infer<typeof RepositoryGuess>;

/**
 * The operator's contract: what the window, the browser and the CLI can ask. There is no procedure that approves more than
 * one ticket and none that forces a merge.
 */
export const operatorApi = {
  status: call(z.object({}), StatusView),
  snapshot: call(z.object({}), Snapshot),
  /** What waits for the operator, most urgent first. */
  waiting: call(z.object({ brand: BrandId.optional() }), z.array(WaitingItem)),
  feed: oc.input(z.object({})).output(eventIterator(FeedItem)),
  stopCore: call(z.object({}), z.object({})),

  brand: {
    add: call(command.extend(brandAdd.shape), BrandView),
    guess: call(z.object({ path: z.string().min(1) }), RepositoryGuess),
    list: call(z.object({}), z.array(BrandView)),
    show: call(z.object({ id: BrandId }), BrandView),
    /** What a repository's branch is at may be built on, though it was moved otherwise than forward; refused at another commit. */
    accept: call(
      command.extend({ id: BrandId, repository: z.string(), commit: CommitId }),
      z.object({ repository: z.string(), commit: CommitId }),
    ),
  },

  ticket: {
    draft: call(command.extend({ brand: BrandId, draft: TicketDraft }), TicketDetail),
    /** A draft is changed; a ready ticket is withdrawn and its successor drafted: the answer is then the successor. */
    edit: call(command.extend({ id: TicketId, draft: TicketDraft }), TicketDetail),
    /** `available`: approved, in nobody's hands, and every dependency merged. */
    list: call(
      z.object({
        brand: BrandId.optional(),
        state: TicketState.optional(),
        available: z.boolean().default(false),
      }),
      z.array(TicketSummary),
    ),
    show: call(z.object({ id: TicketId }), TicketDetail),
    approve: call(command.extend({ id: TicketId, hash: z.string() }), TicketSummary),
    return: call(command.extend({ id: TicketId, note: z.string().trim().min(1).max(10_000) }), TicketSummary),
    block: call(command.extend({ id: TicketId, reason: z.string().trim().min(1).max(2_000) }), TicketSummary),
    /** Drafts a successor of a blocked ticket, prefilled. */
    succeed: call(command.extend({ id: TicketId }), TicketDetail),
    comment: call(
      command.extend({ id: TicketId, text: z.string().trim().min(1).max(10_000) }),
      TicketSummary,
    ),
    /** The operator has seen that a ticket stopped by itself: it waits no longer. */
    acknowledge: call(command.extend({ id: TicketId }), TicketSummary),
    reassign: call(command.extend({ id: TicketId, runtime: RuntimeName }), TicketSummary),
    /** Unified difference of the latest candidate against its base; empty where there is none. */
    diff: call(z.object({ id: TicketId }), z.object({ text: z.string(), truncated: z.boolean() })),
    /** How many files of the repository each of the ticket's globs matches now. */
    reach: call(z.object({ id: TicketId }), z.array(z.object({ glob: z.string(), files: z.number().int() }))),
  },

  /** A plan is read and decided one version at a time, never by whoever wrote it. */
  plan: {
    show: call(
      z.object({ id: TicketId, version: z.number().int().min(1).optional() }),
      z.object({ ticket: TicketId, state: PlanState, plans: z.array(PlanVersion) }),
    ),
    approve: call(
      command.extend({
        id: TicketId,
        version: z.number().int().min(1),
        note: z.string().max(10_000).default(''),
      }),
      TicketSummary,
    ),
    revise: call(
      command.extend({
        id: TicketId,
        version: z.number().int().min(1),
        note: z.string().trim().min(1).max(10_000),
      }),
      TicketSummary,
    ),
  },

  question: {
    answer: call(
      command.extend({
        id: TicketId,
        question: z.string().min(1).max(200),
        answer: z.string().trim().min(1).max(20_000),
      }),
      TicketSummary,
    ),
  },

  /** A human checkpoint is decided for one exact commit. */
  checkpoint: {
    approve: call(
      command.extend({ id: TicketId, commit: CommitId, note: z.string().max(10_000).default('') }),
      TicketSummary,
    ),
    refuse: call(
      command.extend({ id: TicketId, commit: CommitId, note: z.string().trim().min(1).max(10_000) }),
      TicketSummary,
    ),
  },

  handoff: {
    write: call(command.extend({ brand: BrandId, handoff: HandoffInput }), HandoffView),
    list: call(z.object({ brand: BrandId.optional(), ticket: TicketId.optional() }), z.array(HandoffView)),
    /** Reading one marks it as read. */
    read: call(z.object({ brand: BrandId, id: z.string().min(1).max(200) }), HandoffView),
  },

  run: {
    list: call(z.object({ brand: BrandId.optional(), ticket: TicketId.optional() }), z.array(RunView)),
    show: call(z.object({ id: RunId }), RunView),
    stop: call(command.extend({ id: RunId }), RunView),
    /** The transcript from `after` on; follows while the run lives. */
    output: oc
      .input(z.object({ id: RunId, after: z.number().int().min(-1).default(-1) }))
      .output(eventIterator(RunOutput)),
  },

  /** Terminals in a brand's desk. Their bytes have a channel of their own (`contract/terminals`). */
  terminal: {
    list: call(z.object({ brand: BrandId.optional() }), z.array(TerminalView)),
    /** In the first repository where none is named. The desk is made where it is missing. */
    open: call(
      command.extend({ brand: BrandId, repository: z.string().max(200).optional(), ...TerminalSize.shape }),
      TerminalView,
    ),
    /** Ends everything in it. */
    close: call(command.extend({ id: RunId }), z.object({ id: RunId })),
  },
  desk: {
    show: call(z.object({ brand: BrandId }), z.array(DeskView)),
    /** A draft whose candidate is the desk's commit; what is not committed is committed first. */
    propose: call(command.extend(DeskProposal.shape), TicketDetail),
  },

  /** Yields the report as it grows; the last one is the outcome. */
  start: oc
    .input(
      z.object({
        commandId: CommandId.optional(),
        dryRun: z.boolean().default(false),
        detach: z.boolean().default(false),
        phase: z.number().int().min(0).max(8).optional(),
        answers: StartAnswers.optional(),
      }),
    )
    .output(eventIterator(StartReport)),

  guard: {
    check: call(z.object({ question: z.unknown() }), GuardDecision),
    /** Fires canaries through each layer of each brand. */
    prove: call(z.object({ brand: BrandId.optional() }), GuardProof),
    /** What was last proved; fires nothing. */
    layers: call(z.object({ brand: BrandId.optional() }), GuardProof),
    /** A question as an agent program's hook puts it: the event's name, and the JSON that the program gave. */
    hook: call(
      z.object({
        event: z.string().max(100),
        input: z.unknown(),
        brand: BrandId.optional(),
        role: z.string().max(100),
      }),
      GuardDecision,
    ),
    /** Calls that wait for the operator, the oldest first; with `all` also those that ended, newest first, at most 200. */
    asks: call(z.object({ brand: BrandId.optional(), all: z.boolean().default(false) }), z.array(AskView)),
    answer: call(
      command.extend({
        id: AskId,
        decision: z.enum(['allow', 'deny']),
        note: z.string().trim().max(2_000).default(''),
      }),
      AskView,
    ),
    /** What was decided about calls of runs, newest first. */
    log: call(
      z.object({
        brand: BrandId.optional(),
        run: RunId.optional(),
        decision: z.enum(['allow', 'deny', 'ask']).optional(),
        limit: z.number().int().min(1).max(2_000).default(200),
      }),
      z.array(DecisionEntry),
    ),
  },
  doctor: call(z.object({ brand: BrandId.optional() }), DoctorReport),
  cost: call(z.object({ by: z.enum(['day', 'model', 'brand']).default('day') }), CostReport),

  wiki: {
    search: call(
      z.object({
        query: z.string().max(1_000),
        brand: BrandId.optional(),
        limit: z.number().int().min(1).max(200).default(20),
      }),
      z.array(SearchHit),
    ),
    list: call(
      z.object({ brand: BrandId.optional() }),
      z.array(z.object({ page: z.string(), title: z.string(), brand: z.string() })),
    ),
    show: call(z.object({ page: z.string().min(1).max(500) }), PageView),
  },

  /** Events of a brand in words, newest first. */
  activity: call(
    z.object({
      brand: BrandId,
      ticket: TicketId.optional(),
      before: z.number().int().optional(),
      limit: z.number().int().min(1).max(500).default(100),
    }),
    z.array(TimelineEntry.extend({ ticket: TicketId.nullable() })),
  ),
  /** The raw log, for an audit. */
  events: call(
    z.object({
      brand: BrandId,
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(5_000).default(1_000),
    }),
    z.array(RecordedEvent),
  ),

  export: call(
    z.object({ brand: BrandId.optional() }),
    z.array(
      z.object({ brand: BrandId, file: z.string(), tickets: z.number().int(), position: z.number().int() }),
    ),
  ),
  import: call(
    command.extend({ brand: BrandId, file: z.string().min(1) }),
    z.object({ brand: BrandId, tickets: z.number().int() }),
  ),
};
