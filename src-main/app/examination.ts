import { join } from 'node:path';
import type { CommitId } from '../contract/ids.ts';
import { branchOfTicket } from '../contract/ids.ts';
import type { GateCondition, GateReport, Verdict } from '../contract/tickets.ts';
import { plural } from '../domain/plural.ts';
import { EXECUTOR, type Ticket } from '../domain/ticket.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import type { Brand, BrandRepository } from './brand.ts';
import type { auditPaths } from './path-audit.ts';
import { AUTHOR } from './rooms.ts';
import { verify, type OpenTree } from './verifier.ts';

/** A candidate at the gate. */
export interface Candidate {
  ticket: Ticket;
  attempt: NonNullable<Ticket['candidate']>['attempt'];
  commit: CommitId;
  commits: number;
  base: CommitId;
  startedAt: string;
}

/** Looks at a candidate merged with the branch: every condition of the gate, the cheap ones first. */
export interface Examiner {
  /** Ends at the first condition that does not hold. */
  examine(candidate: Candidate, repository: BrandRepository, onto: CommitId): Promise<GateReport>;
}

/** The commit that the branch would move to: always the same for the same candidate, branch and tree. */
export function mergeCommitOf(
  candidate: Candidate,
  repository: BrandRepository,
  merge: { onto: CommitId; tree: string },
): Promise<{ commit: string; linear: boolean }> {
  const { ticket, attempt } = candidate;
  return repository.git.commitMerge({
    tree: merge.tree,
    onto: merge.onto,
    candidate: candidate.commit,
    message: `${ticket.id}: ${ticket.draft.title}\n\nAtrium-Ticket: ${ticket.id}\nAtrium-Attempt: ${attempt}\nAtrium-Approval: ${ticket.hash}\n`,
    author: AUTHOR,
    date: new Date(candidate.startedAt),
  });
}

/** Of commits that could hold another brand's words, in bytes. */
const MOST_LOOKED_AT = 32 * 1024 * 1024;
/** So many bytes of a difference stand in a verifier's brief. */
const MOST_READ = 128 * 1024;

type Condition = Omit<GateCondition, 'name'>;

export function createExaminer(parts: {
  brand: Brand;
  runtimes: readonly Runtime[];
  attemptMs: number;
  checkMs: number;
  audit: typeof auditPaths;
  /** Reads anew what other brands' words are known by. */
  refreshExits(): Promise<void>;
  doctor(): Promise<{ ok: boolean; detail: string }>;
}): Examiner {
  const { brand, checkMs } = parts;

  /** What the operator proposes from a desk is nobody's role. */
  const ownership = ({ draft }: Ticket): ((path: string) => string | null) => {
    if (draft.commit !== undefined) return () => null;
    const contract = brand.contract(draft.contract ?? EXECUTOR);
    return contract.ok ? brand.guard.ownership(contract.value) : () => contract.failure.message;
  };

  const examine: Examiner['examine'] = async (candidate, repository, onto) => {
    const { git, config } = repository;
    const conditions: GateCondition[] = [];
    const report = (tree: string): GateReport => ({
      attempt: candidate.attempt,
      onto,
      candidate: candidate.commit,
      tree,
      outcome: worst(conditions),
      conditions,
    });
    const note = (name: GateCondition['name'], condition: Condition) => {
      conditions.push({ name, ...condition });
      return condition.outcome === 'pass';
    };

    if (!note('commits', said(candidate.commits > 0 ? 'pass' : 'fail', plural(candidate.commits, 'commit'))))
      return report('');
    const merged = await git.mergeTree(onto, candidate.commit);
    if (!merged.ok) {
      const why = merged.code === 'conflict' ? merged.conflicts.join(', ') : 'they have no history in common';
      note('merge', said('fail', `it does not merge with ${config.branch}: ${why}`));
      return report('');
    }
    note('merge', said('pass', `merges with ${config.branch} at ${onto.slice(0, 10)}`));
    if (!note('paths', await audited(candidate, git, onto, merged.tree))) return report(merged.tree);
    const { commit } = await mergeCommitOf(candidate, repository, { onto, tree: merged.tree });
    const later: readonly [GateCondition['name'], () => Promise<Condition>][] = [
      ['test', () => test(candidate, repository, commit)],
      ['lint', () => lint(candidate, repository, commit)],
      ['verdict', () => verdict(candidate, repository, commit, onto)],
      ['doctor', doctor],
    ];
    for (const [name, condition] of later) if (!note(name, await condition())) return report(merged.tree);
    return report(merged.tree);
  };

  /** Its paths against the ticket's, and its words against those of other brands. */
  const audited = async (
    candidate: Candidate,
    git: BrandRepository['git'],
    onto: CommitId,
    tree: string,
  ): Promise<Condition> => {
    const { ticket } = candidate;
    const bounds = { paths: ticket.draft.paths, owned: ownership(ticket) };
    const paths = await parts.audit({ ...candidate, ...bounds }, git, onto, tree);
    if (paths.outcome !== 'pass') return paths;
    await parts.refreshExits();
    // All of its commits reach the branch: what one of them holds and the next takes away does too, and so do their messages.
    const commits = await git.commitsBetween(candidate.base, candidate.commit);
    const brought = await git.broughtText(commits, { maxBytes: MOST_LOOKED_AT });
    if (brought.truncated)
      return said(
        'unverified',
        `what its commits bring is longer than the ${MOST_LOOKED_AT} bytes that are looked through`,
      );
    const foreign = brand.leaving('commit', brought.text, null);
    return foreign === null ? paths : said('fail', foreign);
  };

  const test = (candidate: Candidate, repository: BrandRepository, commit: CommitId): Promise<Condition> => {
    const { checks, draft } = candidate.ticket;
    if (checks.test !== 'none') {
      const count = checks.count === 'tap' || checks.count === 'junit' ? checks.count : 'exit';
      return inTree(candidate, repository, commit, 'test', (open) => check(open, checks.test, count));
    }
    return Promise.resolve(
      draft.acceptance.length > 0
        ? said('pass', 'none is declared')
        : said(
            'unverified',
            'the repository declares no test and the ticket has no acceptance command: nothing verifies it',
          ),
    );
  };

  const lint = (candidate: Candidate, repository: BrandRepository, commit: CommitId): Promise<Condition> =>
    candidate.ticket.checks.lint === 'none'
      ? Promise.resolve(said('pass', 'none is declared'))
      : inTree(candidate, repository, commit, 'lint', (open) =>
          check(open, candidate.ticket.checks.lint, 'exit'),
        );

  const check = async (
    open: OpenTree,
    command: string,
    count: 'exit' | 'tap' | 'junit',
  ): Promise<Condition> => {
    const room = await open();
    return room.ok
      ? brand.rooms.check(room.value, command, count, checkMs)
      : said('unverified', room.failure.message);
  };

  const verdict = (
    candidate: Candidate,
    repository: BrandRepository,
    commit: CommitId,
    onto: CommitId,
  ): Promise<Condition> =>
    inTree(candidate, repository, commit, 'verdict', async (open) => {
      const began = performance.now();
      const judged = await verify(parts, candidate, open, () => difference(repository, onto, commit));
      return { outcome: judged.verdict, detail: judged.detail, durationMs: performance.now() - began };
    });

  const doctor = async (): Promise<Condition> => {
    const began = performance.now();
    const sound = await parts.doctor();
    return {
      outcome: sound.ok ? 'pass' : 'unverified',
      detail: sound.detail,
      durationMs: performance.now() - began,
    };
  };

  /**
   * A throwaway checkout of the merged tree for each condition, made when its work first opens it: none can prepare the ground for
   * the next.
   */
  const inTree = async (
    candidate: Candidate,
    repository: BrandRepository,
    commit: CommitId,
    purpose: 'test' | 'lint' | 'verdict',
    work: (open: OpenTree) => Promise<Condition>,
  ): Promise<Condition> => {
    const { git, config } = repository;
    const folder = join(brand.places.checkouts, `.${purpose}-${candidate.attempt}`);
    const { setup } = candidate.ticket.checks;
    const make = async () => {
      await git.removeCheckout(folder, { discard: true });
      return brand.rooms.make({
        repository: git,
        config: { ...config, checks: { ...config.checks, setup } },
        folder,
        commit,
        branch: `${branchOfTicket(candidate.ticket.id)}-${purpose}`,
        ownDependencies: false,
      });
    };
    let opened: ReturnType<OpenTree> | undefined;
    try {
      return await work(() => (opened ??= make()));
    } finally {
      if ((await opened)?.ok) await git.removeCheckout(folder, { discard: true });
    }
  };

  return { examine };
}

/** The difference that a verifier reads; what was cut is said. */
async function difference(repository: BrandRepository, onto: CommitId, commit: CommitId): Promise<string> {
  const { text, truncated } = await repository.git.diffText(onto, commit, { maxBytes: MOST_READ });
  return truncated ? `${text}\n(cut here: the rest stands in the tree)` : text;
}

function said(outcome: Verdict, detail: string): Condition {
  return { outcome, detail, durationMs: 0 };
}

function worst(conditions: readonly GateCondition[]): Verdict {
  if (conditions.some((one) => one.outcome === 'fail')) return 'fail';
  return conditions.some((one) => one.outcome === 'unverified') ? 'unverified' : 'pass';
}
