import { join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import type { CommitId, TicketId } from '../contract/ids.ts';
import type { GateCondition, GateReport, Verdict } from '../contract/tickets.ts';
import { hasFailed, type Ticket } from '../domain/ticket.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { pathsTest } from './ticket-paths.ts';
import { AUTHOR, type Room } from './rooms.ts';
import { verify } from './verifier.ts';

/** How a candidate left the gate. `waiting`: for the operator's folder; the ticket says which. */
export type GateOutcome =
  { outcome: 'merged' | 'failed' | 'unverified' } | { outcome: 'waiting'; folder: string };

export interface GateParts {
  brand: Brand;
  checkMs: number;
  /** The doctor's word for this brand, from what changed since its last full proof. */
  doctor(): Promise<{ ok: boolean; detail: string }>;
}

const core: Actor = { kind: 'core', part: 'gate' };
/** How often the branch may move under a candidate before the attempt is given up. */
const MOVES = 20;

/** The one way to main: every condition must pass; there is no force. */
export interface Gate {
  pass(ticket: TicketId): Promise<GateOutcome>;
}

interface Candidate {
  ticket: Ticket;
  attempt: NonNullable<Ticket['candidate']>['attempt'];
  commit: CommitId;
  commits: number;
  startedAt: string;
}

export function createGate(parts: GateParts): Gate {
  const { brand, checkMs } = parts;
  const { tickets } = brand;

  const end = (candidate: Candidate, outcome: 'failed' | 'unverified', reason: string): GateOutcome => {
    tickets.execute(
      candidate.ticket.id,
      { type: 'end-attempt', attempt: candidate.attempt, outcome, reason, counts: true },
      core,
      `end:${candidate.attempt}`,
    );
    return { outcome };
  };

  const pass: Gate['pass'] = async (id) => {
    const ticket = tickets.get(id);
    const attempt = ticket?.attempts.find((one) => one.id === ticket.candidate?.attempt);
    if (!ticket?.candidate || !attempt) return { outcome: 'failed' };
    const candidate: Candidate = { ticket, ...ticket.candidate, startedAt: attempt.startedAt };
    const found = brand.repository(ticket.repository);
    if (!found.ok) return end(candidate, 'unverified', found.failure.message);
    const repository = found.value;
    await repository.git.recoverLanding();
    if (await resumeLanded(candidate, repository)) return { outcome: 'merged' };
    let report = standing(ticket);
    let retried = false;
    for (let move = 0; move < MOVES; move += 1) {
      const onto = await repository.git.head();
      if (report?.onto !== onto) {
        report = await examine(candidate, repository, onto);
        if (report.outcome === 'unverified' && !retried) {
          retried = true;
          report = await examine(candidate, repository, onto);
        }
        tickets.execute(id, { type: 'report-gate', report }, core);
      }
      if (report.outcome !== 'pass') {
        const held = report.conditions.filter((one) => one.outcome === report?.outcome);
        return end(
          candidate,
          report.outcome === 'fail' ? 'failed' : 'unverified',
          held.map((one) => one.detail).join('; '),
        );
      }
      const { commit } = await mergeCommit(candidate, repository, report);
      const landed = await repository.git.land({ commit, expected: onto, message: `atrium: merge ${id}` });
      if (landed.ok) {
        await conclude(candidate, repository, commit);
        return { outcome: 'merged' };
      }
      if (landed.code === 'working-tree-busy') {
        const detail = `waits for ${landed.folder}: ${landed.detail}`;
        if (tickets.get(id)?.reason !== detail)
          tickets.execute(id, { type: 'wait-at-gate', attempt: candidate.attempt, detail }, core);
        return { outcome: 'waiting', folder: landed.folder };
      }
      if (landed.code === 'not-fast-forward') return end(candidate, 'failed', landed.message);
    }
    return end(
      candidate,
      'unverified',
      `${repository.config.branch} moved ${MOVES} times while the gate was at work`,
    );
  };

  /** The report that still holds for this candidate, from before a wait or a crash. */
  const standing = (ticket: Ticket): GateReport | undefined => {
    const last = ticket.gates.at(-1)?.report;
    return last?.candidate === ticket.candidate?.commit && last?.outcome === 'pass' ? last : undefined;
  };

  /** A crash between the landing and its event: the branch has the merge already. */
  const resumeLanded = async (candidate: Candidate, repository: BrandRepository): Promise<boolean> => {
    const report = standing(candidate.ticket);
    if (!report || hasFailed(candidate.ticket, candidate.commit)) return false;
    const { commit } = await mergeCommit(candidate, repository, report);
    if (!(await repository.git.isDescendant(await repository.git.head(), commit))) return false;
    await conclude(candidate, repository, commit);
    return true;
  };

  const mergeCommit = (
    candidate: Candidate,
    repository: BrandRepository,
    report: { onto: CommitId; tree: string },
  ) =>
    repository.git.commitMerge({
      tree: report.tree,
      onto: report.onto,
      candidate: candidate.commit,
      message: `${candidate.ticket.id}: ${candidate.ticket.draft.title}\n\nAtrium-Ticket: ${candidate.ticket.id}\nAtrium-Attempt: ${candidate.attempt}\nAtrium-Approval: ${candidate.ticket.hash}\n`,
      author: AUTHOR,
      date: new Date(candidate.startedAt),
    });

  const conclude = async (
    candidate: Candidate,
    repository: BrandRepository,
    commit: CommitId,
  ): Promise<void> => {
    const { id } = candidate.ticket;
    tickets.execute(
      id,
      {
        type: 'merge',
        attempt: candidate.attempt,
        candidate: candidate.commit,
        commit,
        branch: repository.config.branch,
      },
      core,
      `merge:${candidate.attempt}`,
    );
    const rule = repository.config.afterMerge;
    if (rule.kind === 'nothing') return;
    const published = await repository.git.afterMerge(rule, { commit, branch: `atrium/${id}` });
    tickets.execute(
      id,
      {
        type: 'publish',
        rule: rule.kind,
        outcome: published.ok ? 'done' : 'failed',
        detail: published.ok ? `pushed to ${rule.remote}` : `${published.message} ${published.hint}`,
      },
      core,
      `publish:${candidate.attempt}`,
    );
  };

  const examine = async (
    candidate: Candidate,
    repository: BrandRepository,
    onto: CommitId,
  ): Promise<GateReport> => {
    const { ticket, commit } = candidate;
    const conditions: GateCondition[] = [];
    const report = (tree: string): GateReport => ({
      attempt: candidate.attempt,
      onto,
      candidate: commit,
      tree,
      outcome: worst(conditions),
      conditions,
    });
    const note = (
      name: GateCondition['name'],
      outcome: Verdict,
      detail: string,
      durationMs = 0,
      counted?: number,
    ) => {
      conditions.push({ name, outcome, detail, durationMs, ...(counted === undefined ? {} : { counted }) });
      return outcome === 'pass';
    };

    if (!note('commits', candidate.commits > 0 ? 'pass' : 'fail', `${candidate.commits} commits`))
      return report('');
    const merged = await repository.git.mergeTree(onto, commit);
    if (!merged.ok) {
      const paths = merged.code === 'conflict' ? `: ${merged.conflicts.join(', ')}` : '';
      note('merge', 'fail', `it does not merge with ${repository.config.branch}${paths}`);
      return report('');
    }
    note('merge', 'pass', `merges with ${repository.config.branch} at ${onto.slice(0, 10)}`);
    if (!(await auditPaths(ticket, repository, onto, merged.tree, note))) return report(merged.tree);
    const { commit: whole } = await mergeCommit(candidate, repository, { onto, tree: merged.tree });
    await inTree(
      candidate,
      repository,
      whole,
      'checks',
      async (room) => {
        const { test, lint, count } = ticket.checks;
        for (const [name, command, by] of [
          ['test', test, count],
          ['lint', lint, 'exit'],
        ] as const) {
          if (command === 'none') {
            if (name === 'test' && ticket.draft.acceptance.length === 0)
              note(
                'test',
                'unverified',
                'the repository declares no test and the ticket has no acceptance command: nothing verifies it',
              );
            else note(name, 'pass', 'none is declared');
            continue;
          }
          const checked = await brand.rooms.check(
            room,
            command,
            by === 'tap' || by === 'junit' ? by : 'exit',
            checkMs,
          );
          if (!note(name, checked.outcome, checked.detail, checked.durationMs, checked.counted)) return;
        }
      },
      note,
    );
    if (worst(conditions) !== 'pass') return report(merged.tree);
    await inTree(
      candidate,
      repository,
      whole,
      'verdict',
      async (room) => {
        const judged = await verify(brand, ticket, candidate, room, checkMs);
        note('verdict', judged.verdict, judged.detail);
      },
      note,
    );
    if (worst(conditions) !== 'pass') return report(merged.tree);
    const sound = await parts.doctor();
    note('doctor', sound.ok ? 'pass' : 'unverified', sound.detail);
    return report(merged.tree);
  };

  /** A fresh throwaway checkout of the merged tree, for one condition. */
  const inTree = async (
    candidate: Candidate,
    repository: BrandRepository,
    commit: CommitId,
    purpose: 'checks' | 'verdict',
    work: (room: Room) => Promise<void>,
    note: (name: GateCondition['name'], outcome: Verdict, detail: string) => boolean,
  ): Promise<void> => {
    const folder = join(brand.places.checkouts, `.${purpose}-${candidate.attempt}`);
    await repository.git.removeCheckout(folder, { discard: true });
    const room = await brand.rooms.make({
      repository: repository.git,
      config: {
        ...repository.config,
        checks: { ...repository.config.checks, setup: candidate.ticket.checks.setup },
      },
      folder,
      commit,
      branch: `atrium/${purpose}`,
      ownDependencies: false,
    });
    if (!room.ok) {
      note(purpose === 'checks' ? 'test' : 'verdict', 'unverified', room.failure.message);
      return;
    }
    try {
      await work(room.value);
    } finally {
      await repository.git.removeCheckout(folder, { discard: true });
    }
  };

  return { pass };
}

async function auditPaths(
  ticket: Ticket,
  repository: BrandRepository,
  onto: CommitId,
  tree: string,
  note: (name: GateCondition['name'], outcome: Verdict, detail: string) => boolean,
): Promise<boolean> {
  const changed = await repository.git.changes(onto, tree);
  if (changed.length === 0) return note('paths', 'fail', 'it changes nothing on the branch');
  const allowed = pathsTest(ticket.draft.paths);
  const outside = changed.map((change) => change.path).filter((path) => !allowed(path));
  if (outside.length > 0)
    return note(
      'paths',
      'fail',
      `it changes paths outside the ticket: ${outside.slice(0, 10).join(', ')}${outside.length > 10 ? ` and ${outside.length - 10} more` : ''}`,
    );
  const submodule = changed.find((change) => change.newMode === '160000' || change.oldMode === '160000');
  if (submodule)
    return note('paths', 'fail', `it changes the submodule ${submodule.path}, which only the operator does`);
  return note('paths', 'pass', `${changed.length} files changed, all inside the ticket's paths`);
}

function worst(conditions: readonly GateCondition[]): Verdict {
  if (conditions.some((one) => one.outcome === 'fail')) return 'fail';
  return conditions.some((one) => one.outcome === 'unverified') ? 'unverified' : 'pass';
}
