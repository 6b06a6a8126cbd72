import { createHash, randomUUID } from 'node:crypto';
import type { Actor, BrandEvent } from '../contract/events.ts';
import type { RepositoryConfig } from '../contract/config.ts';
import { fail, ok, type Failure, type Result } from '../contract/errors.ts';
import { brandOfTicket, type BrandId, type TicketId } from '../contract/ids.ts';
import type {
  ApprovalContext,
  ModeDecision,
  RuntimeName,
  TicketDetail,
  TicketDraft,
  TicketState,
  TicketSummary,
} from '../contract/tickets.ts';
import { decideTicket, type TicketCommand } from '../domain/ticket-decider.ts';
import { EXECUTOR, openAttempt, type Ticket } from '../domain/ticket.ts';
import { planState } from '../domain/plan-gate.ts';
import { findCycle } from '../domain/scheduling.ts';
import { canonicalJson, type EventStore } from '../services/event-store/index.ts';
import { ticketStream } from './projections.ts';

/** What a draft becomes once it is set against the brand: who does it, where, under which contract and checks. */
export interface DraftContent {
  draft: TicketDraft;
  runtime: RuntimeName;
  repository: string;
  contract: string;
  checks: ApprovalContext['checks'];
  modeDecision: ModeDecision;
  /** What the doctor found: it is settled by a repair, not carried out. */
  housekeeping?: true;
  /** What an approval is bound to. */
  hash: string;
}

/** The one place in which a ticket of a brand changes. */
export interface TicketDesk {
  get(id: TicketId): Ticket | null;
  all(filter?: { state?: TicketState }): Ticket[];
  /** Tickets in any of these states, few as a rule. */
  inStates(states: readonly TicketState[]): Ticket[];
  /** Every ticket that the doctor's findings became, oldest first. */
  housekeeping(): Ticket[];
  /** Decides and appends in one step; a repeat of a command id returns the first answer. */
  execute(id: TicketId, command: TicketCommand, actor: Actor, commandId?: string): Result<Ticket>;
  draft(
    content: DraftContent,
    actor: Actor,
    predecessor: TicketId | null,
    commandId?: string,
  ): Result<Ticket>;
  edit(id: TicketId, content: DraftContent, actor: Actor, commandId?: string): Result<Ticket>;
  /** From now on nothing that Atrium or a run would do is recorded: the core closes. */
  freeze(): void;
  /** What its runs have cost so far, in USD. */
  costUsd(id: TicketId): number;
  summary(ticket: Ticket): TicketSummary;
  detail(ticket: Ticket): TicketDetail;
}

/**
 * What an approval is bound to: everything that bears on what will happen. The text, the runtime, the whole configuration of
 * the repository, the contracts of those who carry the ticket out and judge it, and the runtimes that policy gives a role.
 */
export function approvalHash(covered: {
  draft: TicketDraft;
  runtime: RuntimeName;
  repository: RepositoryConfig;
  contracts: readonly string[];
  /** Absent where the rules play every role. */
  roles?: Record<string, RuntimeName | undefined>;
}): string {
  return createHash('sha256').update(canonicalJson(covered)).digest('hex');
}

interface Receipt {
  ticket?: TicketId;
  failure?: Failure;
}

export function createTicketDesk(options: { brand: BrandId; store: EventStore; now(): string }): TicketDesk {
  const { brand, store, now } = options;
  let frozen = false;
  const parse = (rows: { record: string }[]) => rows.map((row) => JSON.parse(row.record) as Ticket);

  const get = (id: TicketId) =>
    parse(store.query<{ record: string }>('SELECT record FROM projection_tickets WHERE id = ?', id))[0] ??
    null;

  const answer = (receipt: Receipt): Result<Ticket> => {
    if (receipt.failure) return { ok: false, failure: receipt.failure };
    const ticket = receipt.ticket ? get(receipt.ticket) : null;
    return ticket
      ? ok(ticket)
      : fail('fault', 'the receipt of this command names no ticket', 'ask the doctor: "atrium doctor"');
  };

  const append = (id: TicketId, version: number, events: BrandEvent[], actor: Actor, commandId: string) =>
    store.append({
      stream: ticketStream(id),
      expectedVersion: version,
      events,
      commandId,
      actor,
      at: now(),
      receipt: { ticket: id } satisfies Receipt,
    });

  const execute = (
    id: TicketId,
    command: TicketCommand,
    actor: Actor,
    commandId: string = randomUUID(),
  ): Result<Ticket> => {
    const known = store.receipt(commandId);
    if (known) return answer(known.receipt as Receipt);
    if (frozen && actor.kind !== 'operator')
      return fail('core-unreachable', 'the core closes', 'start it again');
    const ticket = get(id);
    const decision = decideTicket(ticket, command, actor);
    if (!decision.ok) {
      store.recordReceipt(commandId, { failure: decision.failure } satisfies Receipt);
      return decision;
    }
    const appended = append(id, ticket?.version ?? 0, decision.value, actor, commandId);
    if (!appended.ok)
      return fail(
        'version-conflict',
        `${id} changed at the same moment`,
        'read it again and repeat the command',
      );
    return answer(appended.receipt as Receipt);
  };

  const checkDependencies = (id: TicketId, draft: TicketDraft): Result<void> => {
    for (const dependency of [...draft.dependsOn, ...(draft.parent ? [draft.parent] : [])]) {
      if (brandOfTicket(dependency) !== brand)
        return fail(
          'invalid-input',
          `${dependency} is of another brand: a ticket depends on tickets of its own`,
          'take it out of dependsOn',
        );
      if (dependency !== id && !get(dependency))
        return fail(
          'invalid-input',
          `${dependency} does not exist`,
          `see "atrium ticket list --brand ${brand}"`,
        );
    }
    const cycle = findCycle(id, draft.dependsOn, (other) => get(other)?.draft.dependsOn ?? []);
    if (cycle)
      return fail(
        'dependency-cycle',
        `the dependencies close a cycle: ${cycle.join(' → ')}`,
        'take one of them out of dependsOn',
      );
    const parentOf = (of: TicketDraft | undefined) => (of?.parent ? [of.parent] : []);
    const circle = findCycle(id, parentOf(draft), (other) => parentOf(get(other)?.draft));
    return circle
      ? fail('dependency-cycle', `the parents close a cycle: ${circle.join(' → ')}`, 'choose another parent')
      : ok(undefined);
  };

  /** A refusal before the decision is an answer too: a repeat of the command gets it again. */
  const refuse = (commandId: string, failure: Failure): Result<Ticket> => {
    store.recordReceipt(commandId, { failure } satisfies Receipt);
    return { ok: false, failure };
  };

  const nextId = (): TicketId => {
    const [row] = store.query<{ number: number | null }>(
      'SELECT MAX(number) AS number FROM projection_tickets',
    );
    return `T-${brand}-${(row?.number ?? 0) + 1}` as TicketId;
  };

  const draft: TicketDesk['draft'] = (content, actor, predecessor, commandId = randomUUID()) => {
    const known = store.receipt(commandId);
    if (known) return answer(known.receipt as Receipt);
    const id = nextId();
    const possible = checkDependencies(id, content.draft);
    if (!possible.ok) return refuse(commandId, possible.failure);
    return execute(id, { type: 'draft', ticket: id, predecessor, ...content }, actor, commandId);
  };

  const edit: TicketDesk['edit'] = (id, content, actor, commandId = randomUUID()) => {
    const known = store.receipt(commandId);
    if (known) return answer(known.receipt as Receipt);
    const ticket = get(id);
    if (!ticket) return fail('not-found', `there is no ticket ${id}`, 'see "atrium ticket list"');
    const possible = checkDependencies(id, content.draft);
    if (!possible.ok) return refuse(commandId, possible.failure);
    if (ticket.state === 'draft') return execute(id, { type: 'edit', ...content }, actor, commandId);
    if (ticket.state !== 'ready' && ticket.state !== 'blocked')
      return refuse(
        commandId,
        fail(
          'refused-transition',
          `cannot edit ${id}: it is ${ticket.state}`,
          'block it first, then edit it: that drafts its successor',
        ).failure,
      );
    if (ticket.state === 'blocked' && ticket.successor)
      return refuse(
        commandId,
        fail('refused-transition', `${id} goes on as ${ticket.successor} already`, `edit ${ticket.successor}`)
          .failure,
      );
    const successor = draft(content, actor, id, commandId);
    if (successor.ok && ticket.state === 'ready') {
      const detail = `withdrawn by an edit; goes on as ${successor.value.id}`;
      execute(
        id,
        { type: 'block', reason: 'withdrawn', detail, successor: successor.value.id },
        actor,
        `${commandId}:withdraw`,
      );
    }
    return successor;
  };

  const summary = (ticket: Ticket): TicketSummary => ({
    id: ticket.id,
    brand,
    title: ticket.draft.title,
    state: ticket.state,
    mode: ticket.modeDecision.mode,
    priority: ticket.draft.priority,
    hash: ticket.hash,
    dependsOn: ticket.draft.dependsOn,
    paths: ticket.draft.paths,
    acceptance: ticket.draft.acceptance,
    runtime: ticket.runtime,
    costCapUsd: ticket.draft.costCapUsd,
    attempts: ticket.attempts.length,
    blockedReason: ticket.blocked ? `${ticket.blocked.reason}: ${ticket.blocked.detail}` : null,
    reason: ticket.reason,
    housekeeping: ticket.housekeeping === true,
    successor: ticket.successor,
    parent: ticket.draft.parent ?? null,
    assignee: openAttempt(ticket)?.runtime ?? null,
    repository: ticket.repository,
    createdAt: ticket.createdAt,
    updatedAt: ticket.updatedAt,
    version: ticket.version,
  });

  const costUsd = (id: TicketId): number =>
    store.query<{ cost: number | null }>(
      'SELECT SUM(cost) AS cost FROM projection_runs_usage WHERE ticket = ?',
      id,
    )[0]?.cost ?? 0;

  const detail = (ticket: Ticket): TicketDetail => {
    const blocks = store.query<{ id: string }>(
      'SELECT ticket AS id FROM projection_tickets_dependencies WHERE dependency = ? ORDER BY ticket',
      ticket.id,
    );
    return {
      ...summary(ticket),
      description: ticket.draft.description,
      why: ticket.draft.why,
      plan: ticket.plan.versions.at(-1)?.text ?? null,
      planState: planState(ticket.plan),
      plans: ticket.plan.versions,
      modeDecision: ticket.modeDecision,
      questions: ticket.questions,
      checkpoint: ticket.checkpoint,
      command: ticket.draft.command ?? null,
      commit: ticket.draft.commit ?? null,
      model: ticket.draft.model ?? null,
      modelClass: ticket.draft.modelClass,
      network: ticket.draft.network,
      grants: ticket.draft.grants,
      references: ticket.draft.references,
      blocks: blocks.map((row) => row.id as TicketId),
      contract: ticket.draft.contract ?? EXECUTOR,
      rules: ticket.draft.rules,
      checks: ticket.checks,
      base: ticket.attempts.at(-1)?.base ?? null,
      mergedCommit: ticket.merged?.commit ?? null,
      successor: ticket.successor,
      predecessor: ticket.predecessor,
      comments: ticket.comments,
      attemptList: ticket.attempts,
      artifacts: [
        ...ticket.plan.versions.map(({ version, at, position, text, run, review }) => ({
          name: 'plan' as const,
          version,
          attempt: null,
          at,
          position,
          content: { text, run, review },
        })),
        ...ticket.results.map(({ attempt, version, at, position, result }) => ({
          name: 'result' as const,
          version,
          attempt,
          at,
          position,
          content: result,
        })),
        ...ticket.verdicts.map(({ attempt, version, at, position, verdict }) => ({
          name: 'verdict' as const,
          version,
          attempt,
          at,
          position,
          content: verdict,
        })),
        ...ticket.gates.map(({ version, at, position, report }) => ({
          name: 'gate-report' as const,
          version,
          attempt: report.attempt,
          at,
          position,
          content: report,
        })),
      ],
      timeline: store.query(
        'SELECT at, position, type, text FROM projection_activity WHERE ticket = ? ORDER BY position',
        ticket.id,
      ),
      costUsd: costUsd(ticket.id),
    };
  };

  return {
    get,
    all: (filter = {}) =>
      parse(
        filter.state
          ? store.query('SELECT record FROM projection_tickets WHERE state = ? ORDER BY number', filter.state)
          : store.query('SELECT record FROM projection_tickets ORDER BY number'),
      ),
    inStates: (states) =>
      parse(
        store.query(
          'SELECT record FROM projection_tickets WHERE state IN (SELECT value FROM json_each(?)) ORDER BY number',
          JSON.stringify(states),
        ),
      ),
    housekeeping: () =>
      parse(
        store.query(
          `SELECT record FROM projection_tickets WHERE state IN ('draft', 'blocked')
           AND json_extract(record, '$.housekeeping') ORDER BY number`,
        ),
      ),
    execute,
    draft,
    edit,
    freeze() {
      frozen = true;
    },
    costUsd,
    summary,
    detail,
  };
}
