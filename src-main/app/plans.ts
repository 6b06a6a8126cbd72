import { join } from 'node:path';
import type { AgentContract } from '../contract/config.ts';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { branchOfTicket, type CommitId, type RunId, type TicketId } from '../contract/ids.ts';
import type { WikiHit } from '../contract/run-api.ts';
import type { Extract } from '../domain/brief.ts';
import { plannerBrief, reviewerBrief } from '../domain/plan-briefs.ts';
import { planState, reviewable } from '../domain/plan-gate.ts';
import type { Run } from '../domain/run.ts';
import { EXECUTOR, type Ticket } from '../domain/ticket.ts';
import type { RunReports } from '../services/gateway/index.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import { freshBase } from './attempts.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { createWorkingReports } from './run-reports.ts';
import type { RunEnd } from './runs.ts';
import type { Timer } from './timer.ts';
import { pathsTest } from './ticket-paths.ts';

/** The contract under which a plan is reviewed: its role reads, and never carries a ticket out. */
export const REVIEWER = 'verifier';
/** So long a run may take to stop by itself after it has submitted its plan, in milliseconds. */
const STOP_MS = 30_000;

const core: Actor = { kind: 'core', part: 'plan' };

/** The runs of the plan gate: one writes a plan and stops, another reads it. Nothing is written in either room. */
export interface Plans {
  /** A run writes the plan of a ticket; a failure means that none could be started. */
  plan(ticket: TicketId): Promise<Result<void>>;
  /** Whether policy has a reviewer's run look at the plan that waits now. */
  canReview(ticket: Ticket): boolean;
  /** A reviewer's run decides about the plan; where it does not, the operator does. */
  review(ticket: TicketId): Promise<Result<void>>;
}

export function createPlans(parts: {
  brand: Brand;
  runtimes: readonly Runtime[];
  attemptMs: number;
  timer: Timer;
  extracts(ticket: Ticket): Extract[];
  search(query: string): WikiHit[];
}): Plans {
  const { brand } = parts;
  const { tickets } = brand;

  const plan: Plans['plan'] = async (id) => {
    const found = partsOf(id, EXECUTOR);
    if (!found.ok) return found;
    const { ticket, repository, contract: whole } = found.value;
    const contract = planning(whole);
    const runtime = parts.runtimes.find((one) => one.name === ticket.runtime);
    if (!runtime) return fail('runtime-missing', `there is no runtime ${ticket.runtime}`);
    const base = await freshBase(repository);
    if (!base.ok) return base;
    const run = brand.runs.newId();
    const started = tickets.execute(id, { type: 'start-plan', run, base: base.value }, core, `plan:${run}`);
    if (!started.ok) return started;
    const working = createWorkingReports({ ...parts, ticket: id, run, role: contract.name });
    let stopping: () => void = () => undefined;
    const brief = plannerBrief(started.value, contract, parts.extracts(ticket));
    const planned = ({ attempt, role, id: one }: Run) =>
      attempt === null && role === contract.name && one !== run;
    const resumes = brand.runs.list(id).findLast(planned)?.id ?? null;
    const room = { ticket, repository, commit: base.value, contract, runtime, run, brief, resumes };
    const end = await inRoom(
      { ...room, stage: 'plan', onGone: working.end },
      {
        ...working.reports,
        result: () =>
          Promise.resolve(
            fail(
              'refused-transition',
              `${id} is planned first: nothing is carried out before its plan is approved`,
              'submit the plan and stop',
            ),
          ),
        verdict: () => Promise.resolve(fail('not-authorized', 'only the verifier gives a verdict')),
        plan: (text) => {
          const taken = tickets.execute(
            id,
            { type: 'submit-plan', run, text },
            { kind: 'run', run, role: contract.name },
          );
          if (taken.ok) {
            stopping();
            stopping = parts.timer.after(STOP_MS, () => void brand.runs.stop(run, 'its plan is submitted'));
          }
          return Promise.resolve(taken);
        },
      },
    );
    stopping();
    const now = tickets.get(id);
    if (now?.plan.run !== run) return ok(undefined);
    const submitted = now.plan.versions.at(-1)?.run === run;
    const interrupted = end.outcome === 'stopped';
    tickets.execute(id, { type: 'end-plan', run, reason: end.reason, interrupted }, core, `end-plan:${run}`);
    if (!submitted && (interrupted || !end.launched))
      tickets.execute(
        id,
        {
          type: 'block',
          reason: interrupted ? 'operator' : 'refused',
          detail: end.reason,
          successor: null,
        },
        core,
        `stop:${run}`,
      );
    return ok(undefined);
  };

  const review: Plans['review'] = async (id) => {
    const found = partsOf(id, REVIEWER);
    if (!found.ok) return found;
    const { ticket, repository, contract } = found.value;
    const version = ticket.plan.versions.at(-1)?.version;
    const runtime = parts.runtimes.find((one) => one.name === brand.roles.planReviewer);
    if (!runtime || version === undefined)
      return fail('runtime-missing', `there is no runtime ${brand.roles.planReviewer ?? 'for reviews'}`);
    const run = brand.runs.newId();
    const started = tickets.execute(id, { type: 'start-plan-review', version, run }, core, `review:${run}`);
    if (!started.ok) return started;
    const commit = await repository.git.head();
    const brief = reviewerBrief(started.value, contract);
    const room = { ticket, repository, commit, contract, runtime, run, brief, resumes: null };
    await inRoom(
      { ...room, stage: 'review' },
      {
        result: () => Promise.resolve(fail('not-authorized', 'a reviewer submits no result')),
        verdict: () => Promise.resolve(fail('not-authorized', 'a plan has no verdict; review it')),
        comment: () => Promise.resolve(fail('not-authorized', 'a reviewer says it in its note')),
        search: (query) => Promise.resolve(ok(parts.search(query))),
        review: (given) =>
          Promise.resolve(
            tickets.execute(
              id,
              {
                type: given.decision === 'approve' ? 'approve-plan' : 'revise-plan',
                version: given.version,
                note: given.note,
              },
              { kind: 'run', run, role: contract.name },
            ),
          ),
      },
    );
    return ok(undefined);
  };

  const partsOf = (
    id: TicketId,
    role: string,
  ): Result<{ ticket: Ticket; repository: BrandRepository; contract: AgentContract }> => {
    const ticket = tickets.get(id);
    if (!ticket) return fail('not-found', `there is no ticket ${id}`);
    const repository = brand.repository(ticket.repository);
    if (!repository.ok) return repository;
    const contract = brand.contract(role);
    return contract.ok ? ok({ ticket, repository: repository.value, contract: contract.value }) : contract;
  };

  const inRoom = async (
    asked: {
      ticket: Ticket;
      repository: BrandRepository;
      commit: CommitId;
      contract: AgentContract;
      runtime: Runtime;
      run: RunId;
      brief: string;
      resumes: RunId | null;
      stage: 'plan' | 'review';
      onGone?: () => void;
    },
    reports: Omit<RunReports, 'progress' | 'brief'>,
  ): Promise<RunEnd> => {
    const { ticket, repository, commit, contract, runtime, run, brief, resumes, stage, onGone } = asked;
    const folder = join(brand.places.checkouts, `.${stage}-${ticket.id}`);
    const { git, config } = repository;
    await git.removeCheckout(folder, { discard: true });
    const room = await brand.rooms.make({
      repository: git,
      config,
      folder,
      commit,
      branch: `${branchOfTicket(ticket.id)}-${stage}`,
      ownDependencies: false,
    });
    if (!room.ok)
      return {
        outcome: 'failed',
        reason: room.failure.message,
        transient: false,
        finalText: '',
        launched: true,
      };
    try {
      return await brand.runs.carryOut({
        id: run,
        resumes,
        contract,
        runtime,
        ticket: ticket.id,
        attempt: null,
        stage,
        task: {
          ticket: ticket.id,
          title: ticket.draft.title,
          prompt: brief,
          command: ticket.draft.command ?? null,
          model: ticket.draft.model ?? null,
        },
        room: {
          checkout: room.value.folder,
          baseObjects: room.value.baseObjects,
          prepared: room.value.prepared,
          base: commit,
        },
        network: ticket.draft.network,
        grants: [],
        costCapUsd: ticket.draft.costCapUsd,
        spentUsd: tickets.costUsd(ticket.id),
        inTicket: pathsTest(ticket.draft.paths),
        totalMs: parts.attemptMs,
        ...(onGone === undefined ? {} : { onGone }),
        reports: { ...reports, brief: () => brief },
      });
    } finally {
      await git.removeCheckout(folder, { discard: true });
    }
  };

  return {
    plan,
    review,
    canReview: (ticket) =>
      brand.roles.planReviewer !== undefined && planState(ticket.plan) === 'waiting' && reviewable(ticket),
  };
}

/** The contract of whoever carries the ticket out, without what would carry it out. */
function planning(contract: AgentContract): AgentContract {
  return {
    ...contract,
    writes: [],
    tools: contract.tools.filter((tool) => tool !== 'edit'),
    calls: contract.calls.filter((call) => call !== 'result'),
  };
}
