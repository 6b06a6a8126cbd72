import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { BrandView, RepositoryGuess } from './brands.ts';
import { CountBy } from './config.ts';
import { CostReport } from './cost.ts';
import { DoctorReport } from './doctor.ts';
import { Failure } from './errors.ts';
import { RecordedEvent } from './events.ts';
import { FeedItem, Snapshot, StatusView } from './feed.ts';
import { AskView, DecisionEntry, GuardDecision } from './guard.ts';
import { HandoffInput, HandoffView } from './handoff.ts';
import { AskId, BrandId, CommandId, CommitId, RunId, TicketId } from './ids.ts';
import { GuardProof } from './layers.ts';
import { RunOutput, RunView } from './runs.ts';
import { StartAnswers, StartReport } from './start.ts';
import { DeskProposal, DeskView, TerminalSize, TerminalView } from './terminals.ts';
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
import { WaitingItem } from './waiting.ts';
import { PageView, SearchHit } from './wiki.ts';

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
