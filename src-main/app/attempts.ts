import { existsSync } from 'node:fs';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { HandoffView } from '../contract/handoff.ts';
import type { AttemptId, CommitId, RunId, TicketId } from '../contract/ids.ts';
import { branchOfTicket } from '../contract/ids.ts';
import { readResultMarkers, type WikiHit } from '../contract/run-api.ts';
import type { ResultReport } from '../contract/tickets.ts';
import { executorBrief, type Extract } from '../domain/brief.ts';
import { openQuestions } from '../domain/questions.ts';
import { EXECUTOR, hasFailed, openAttempt, type Ticket } from '../domain/ticket.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { BranchKeeper } from './branches.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { createWorkingReports } from './run-reports.ts';
import type { Timer } from './timer.ts';
import { pathsTest } from './ticket-paths.ts';
import { checkoutFolder } from './places.ts';

/** How an attempt's execution ended: with a candidate for the gate, or without one. */
export type Execution = { candidate: true } | { candidate: false; reason: string };

export interface AttemptParts {
  brand: Brand;
  branches: Pick<BranchKeeper, 'look'>;
  /** Makes room for one more checkout; false where all that there may be are in use. */
  makeRoom(): Promise<boolean>;
  runtimes: readonly Runtime[];
  attemptMs: number;
  timer: Timer;
  extracts(ticket: Ticket): Extract[];
  search(query: string): WikiHit[];
}

const core: Actor = { kind: 'core', part: 'dispatch' };
/** Of commits that may hold a granted secret, in bytes. */
const MOST_LOOKED_AT = 32 * 1024 * 1024;

/** Carries out attempts of one brand's tickets, from the checkout to the candidate. */
export interface Attempts {
  /** Starts a further attempt; the ticket's events tell how it went. A failure means that none could be started. */
  carryOut(ticket: TicketId): Promise<Result<Execution>>;
}

export function createAttempts(parts: AttemptParts): Attempts {
  const { brand } = parts;
  const { tickets } = brand;

  const endFailed = (ticket: TicketId, attempt: AttemptId, reason: string): Execution => {
    tickets.execute(
      ticket,
      { type: 'end-attempt', attempt, outcome: 'failed', reason, counts: true },
      core,
      `end:${attempt}`,
    );
    return { candidate: false, reason };
  };

  const isOpen = (id: TicketId, attempt: AttemptId): boolean => {
    const ticket = tickets.get(id);
    return ticket !== null && openAttempt(ticket)?.id === attempt;
  };

  const carryOut: Attempts['carryOut'] = async (id) => {
    const ticket = tickets.get(id);
    if (!ticket) return fail('not-found', `there is no ticket ${id}`);
    const repository = brand.repository(ticket.repository);
    if (!repository.ok) return repository;
    if (ticket.draft.commit !== undefined) return takeProposal(ticket, repository.value, ticket.draft.commit);
    const contract = brand.contract(ticket.draft.contract ?? EXECUTOR);
    if (!contract.ok) return contract;
    const runtime = parts.runtimes.find((one) => one.name === ticket.runtime);
    if (!runtime) return fail('runtime-missing', `there is no runtime ${ticket.runtime}`);
    const strange = await parts.branches.look(repository.value);
    if (strange !== null) return fail('repository-unusable', strange);
    if (!existsSync(checkoutFolder(brand.places, id)) && !(await parts.makeRoom()))
      return fail(
        'repository-unusable',
        'there are as many checkouts as the workspace may have, all in use',
        'it goes on when one of them is done; "maxCheckouts" in workspace.yaml says how many there may be',
      );
    const base = await freshBase(repository.value);
    if (!base.ok) return base;
    const attempt = `${id}.${ticket.attempts.length + 1}` as AttemptId;
    const run = brand.runs.newId();
    await repository.value.git.pinBase(attempt, base.value);
    const started = tickets.execute(
      id,
      { type: 'start-attempt', attempt, run, base: base.value },
      core,
      `start:${attempt}`,
    );
    if (!started.ok) return started;

    const folder = checkoutFolder(brand.places, id);
    await brand.rooms.remove(repository.value.git, folder);
    const inTicket = pathsTest(ticket.draft.paths);
    const room = await brand.rooms.make({
      repository: repository.value.git,
      config: repository.value.config,
      folder,
      commit: base.value,
      branch: branchOfTicket(id),
      ownDependencies: ticket.draft.paths.length > 0 && repository.value.config.lockfiles.some(inTicket),
    });
    if (!room.ok) return ok(endFailed(id, attempt, room.failure.message));
    if (!isOpen(id, attempt)) return ok({ candidate: false, reason: 'it was ended while its room was made' });

    const spentUsd = tickets.costUsd(id);
    const submit = (result: ResultReport) =>
      tickets.execute(
        id,
        { type: 'submit-result', attempt, result },
        { kind: 'run', run, role: contract.value.name },
      );
    const working = createWorkingReports({ ...parts, ticket: id, run, role: contract.value.name });
    const brief = executorBrief(
      started.value,
      contract.value,
      parts.extracts(ticket),
      handedOver(brand, ticket, run),
    );
    const before = ticket.attempts.at(-1);
    const end = await brand.runs.carryOut({
      id: run,
      resumes: before?.state === 'interrupted' ? before.run : null,
      contract: contract.value,
      runtime,
      ticket: id,
      attempt,
      stage: 'work',
      task: {
        ticket: id,
        title: ticket.draft.title,
        prompt: brief,
        command: ticket.draft.command ?? null,
        model: ticket.draft.model ?? null,
      },
      room: {
        checkout: room.value.folder,
        baseObjects: room.value.baseObjects,
        prepared: room.value.prepared,
        base: base.value,
      },
      network: ticket.draft.network,
      grants: ticket.draft.grants,
      costCapUsd: ticket.draft.costCapUsd,
      spentUsd,
      inTicket,
      totalMs: parts.attemptMs,
      onGone: working.end,
      reports: {
        ...working.reports,
        result: (report) => Promise.resolve(submit(report)),
        verdict: () => Promise.resolve(fail('not-authorized', 'only the verifier gives a verdict')),
        brief: () => brief,
      },
    });

    const now = tickets.get(id);
    if (!now || openAttempt(now)?.id !== attempt)
      return ok({ candidate: false, reason: now?.reason ?? 'it ended' });
    if (end.outcome === 'stopped') {
      tickets.execute(
        id,
        { type: 'block', reason: 'operator', detail: end.reason, successor: null },
        core,
        `stop:${attempt}`,
      );
      return ok({ candidate: false, reason: end.reason });
    }
    if (!end.launched) {
      tickets.execute(
        id,
        { type: 'block', reason: 'refused', detail: end.reason, successor: null },
        core,
        `refuse:${attempt}`,
      );
      return ok({ candidate: false, reason: end.reason });
    }
    if (end.outcome !== 'done') return ok(endFailed(id, attempt, end.reason));
    const asks = openQuestions(now).some((question) => question.run === run);
    if (asks && !lastResult(now, attempt)) {
      const reason = 'it waits for the answer to its question';
      tickets.execute(
        id,
        { type: 'end-attempt', attempt, outcome: 'interrupted', reason, counts: false },
        core,
        `end:${attempt}`,
      );
      return ok({ candidate: false, reason });
    }
    const result = lastResult(now, attempt) ?? fromText(end.finalText, id, run, submit);
    if (typeof result === 'string') return ok(endFailed(id, attempt, result));
    return ok(await takeCandidate(id, attempt, repository.value, folder, base.value, result));
  };

  /** The result that the agent's last words hold, or why there is none. */
  const fromText = (
    text: string,
    id: TicketId,
    run: RunId,
    submit: (result: ResultReport) => Result<Ticket>,
  ): ResultReport | string => {
    const read = readResultMarkers(text, id);
    if (!read.ok) return `it says that it is done and submitted no result: ${read.message}`;
    const why = brand.leaving('result', JSON.stringify(read.result), run);
    if (why !== null) return `its result is not taken: ${why}`;
    const taken = submit(read.result);
    return taken.ok ? read.result : taken.failure.message;
  };

  const takeCandidate = async (
    id: TicketId,
    attempt: AttemptId,
    repository: BrandRepository,
    folder: string,
    base: CommitId,
    result: ResultReport,
  ): Promise<Execution> => {
    if (!existsSync(folder)) return endFailed(id, attempt, 'its checkout is gone');
    const collected = await repository.git.collect({ folder, base, attempt });
    if (!collected.ok) return endFailed(id, attempt, collected.message);
    const named = await repository.git.isDescendant(collected.head, result.commit);
    if (!named || result.commit === base)
      return endFailed(id, attempt, `the result names ${result.commit}, which is no commit of this attempt`);
    const ticket = tickets.get(id);
    if (ticket && hasFailed(ticket, result.commit))
      return endFailed(
        id,
        attempt,
        `commit ${result.commit} has failed before, and a fail sticks to its commit`,
      );
    const held = await heldSecret(repository, base, result.commit, ticket?.draft.grants ?? []);
    if (held !== null) return endFailed(id, attempt, held);
    const commits = (await repository.git.commitsBetween(base, result.commit)).length;
    const taken = tickets.execute(
      id,
      { type: 'accept-candidate', attempt, commit: result.commit, commits },
      core,
      `candidate:${attempt}`,
    );
    return taken.ok ? { candidate: true } : endFailed(id, attempt, taken.failure.message);
  };

  /** Why a candidate that holds a granted secret cannot go on; null where it holds none. */
  const heldSecret = async (
    repository: BrandRepository,
    base: CommitId,
    commit: CommitId,
    grants: readonly string[],
  ): Promise<string | null> => {
    if (grants.length === 0) return null;
    const secrets = brand.secrets(grants);
    if (!secrets.ok) return secrets.failure.message;
    const commits = await repository.git.commitsBetween(base, commit);
    const brought = await repository.git.broughtText(commits, { maxBytes: MOST_LOOKED_AT });
    if (brought.truncated)
      return `what its commits bring is longer than ${MOST_LOOKED_AT} bytes and cannot be looked through for the secrets that it was granted`;
    return secrets.value.scrub(brought.text) === brought.text
      ? null
      : `what its commits bring holds the value of a secret that the run was granted`;
  };

  /** The commit of a desk is the candidate as it is: no agent runs. What cannot pass any more goes back to the desk. */
  const takeProposal = async (
    ticket: Ticket,
    repository: BrandRepository,
    commit: CommitId,
  ): Promise<Result<Execution>> => {
    const { id } = ticket;
    const attempt = `${id}.${ticket.attempts.length + 1}` as AttemptId;
    const goBack = (detail: string): Result<Execution> => {
      tickets.execute(
        id,
        { type: 'block', reason: 'refused', detail, successor: null },
        core,
        `refuse:${attempt}`,
      );
      return ok({ candidate: false, reason: detail });
    };
    if (hasFailed(ticket, commit))
      return goBack(
        `commit ${commit} has failed, and a fail sticks to its commit; propose again from the desk`,
      );
    const strange = await parts.branches.look(repository);
    if (strange !== null) return fail('repository-unusable', strange);
    const onto = await freshBase(repository);
    if (!onto.ok) return onto;
    const base = await repository.git.mergeBase(onto.value, commit);
    if (base === null) return goBack(`commit ${commit} is not here any more; propose again from the desk`);
    const commits = (await repository.git.commitsBetween(base, commit)).length;
    if (commits === 0) return goBack(`commit ${commit} is in ${repository.config.branch} already`);
    await repository.git.pinBase(attempt, base);
    const run = brand.runs.newId();
    const started = tickets.execute(
      id,
      { type: 'start-attempt', attempt, run, base },
      core,
      `start:${attempt}`,
    );
    if (!started.ok) return started;
    const files = (await repository.git.changes(base, commit)).map(({ path }) => path).slice(0, 5_000);
    const summary = 'Proposed from the desk: the commit is taken as it is, no agent ran.';
    const result = { ticket: id, commit, summary, commands: [], files };
    const submitted = tickets.execute(
      id,
      { type: 'submit-result', attempt, result },
      core,
      `result:${attempt}`,
    );
    if (!submitted.ok) return ok(endFailed(id, attempt, submitted.failure.message));
    const taken = tickets.execute(
      id,
      { type: 'accept-candidate', attempt, commit, commits },
      core,
      `candidate:${attempt}`,
    );
    return ok(taken.ok ? { candidate: true } : endFailed(id, attempt, taken.failure.message));
  };

  return { carryOut };
}

/**
 * What earlier attempts left for this one; with this brief they count as read. An attempt that did not hold and left nothing is
 * handed over by Atrium, by what is on record of it.
 */
function handedOver(brand: Brand, ticket: Ticket, run: RunId): HandoffView[] {
  const left = brand.handoffs.list(ticket.id);
  if (!left.ok) return [];
  const last = ticket.attempts.at(-1);
  if (
    (last?.state === 'failed' || last?.state === 'unverified') &&
    !left.value.some(({ from }) => from.endsWith(last.run))
  ) {
    const result = lastResult(ticket, last.id);
    const context = {
      completed: result
        ? [`${result.summary} (commit ${result.commit}, which is not on the branch)`.slice(0, 4_000)]
        : [],
      next_steps: ['Do what the ticket asks on the branch as it is now.'],
      blockers: [last.reason.slice(0, 4_000)].filter((reason) => reason !== ''),
      notes: '',
    };
    const handoff = { from: `Atrium, of ${last.run}`, to: EXECUTOR, ticket: ticket.id, context };
    brand.handoffs.write(handoff, core);
  }
  const listed = brand.handoffs.list(ticket.id);
  if (!listed.ok) return [];
  for (const { id, read } of listed.value) if (!read) brand.handoffs.read(id, `${EXECUTOR} ${run}`, core);
  return listed.value;
}

function lastResult(ticket: Ticket, attempt: AttemptId): ResultReport | undefined {
  return ticket.results.findLast((one) => one.attempt === attempt)?.result;
}

/** The branch as it is, brought up to its remote where that is a fast-forward. A branch that diverged waits for a person. */
export async function freshBase(repository: BrandRepository): Promise<Result<CommitId>> {
  const remote = await repository.git.fetchRemote();
  if (!remote.ok && remote.code === 'diverged')
    return fail('repository-unusable', remote.message, remote.hint);
  if (remote.ok && remote.state === 'behind') {
    const landed = await repository.git.land({
      commit: remote.remoteHead,
      expected: await repository.git.head(),
      message: `atrium: fast-forward to ${remote.remote}`,
    });
    if (!landed.ok) return fail('repository-unusable', landed.message, landed.hint);
  }
  return ok(await repository.git.head());
}
