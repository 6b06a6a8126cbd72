import type { CommitId } from '../contract/ids.ts';
import type { GateCondition, Verdict } from '../contract/tickets.ts';
import { plural } from '../domain/plural.ts';
import type { Repository } from '../services/repositories/index.ts';
import { pathsTest } from './ticket-paths.ts';

/** What the audit goes by: the paths of a ticket, and its candidate since the base. */
export interface Audited {
  paths: readonly string[];
  /** What of the repository the contract leaves to other roles, or keeps this one to. */
  owned(path: string): string | null;
  base: CommitId;
  commit: CommitId;
}

/** A candidate of more commits is split up: each is a difference to read. */
const MOST_COMMITS = 200;

/** Looks at the merged tree and at each commit on the way to it: all of them reach the branch. */
export async function auditPaths(
  { paths, owned, base, commit }: Audited,
  git: Pick<Repository, 'changes' | 'commitsBetween'>,
  onto: CommitId,
  tree: string,
): Promise<Omit<GateCondition, 'name'>> {
  const changed = await git.changes(onto, tree);
  if (changed.length === 0) return said('fail', 'it changes nothing on the branch');
  const allowed = pathsTest(paths);
  const commits = await git.commitsBetween(base, commit);
  if (commits.length > MOST_COMMITS)
    return said(
      'fail',
      `it has ${commits.length} commits, more than the ${MOST_COMMITS} that are looked at one by one`,
    );
  const touched = new Set(changed.map((change) => change.path));
  for (const one of commits) for (const { path } of await git.changes(base, one)) touched.add(path);
  const outside = new Set([...touched].filter((path) => !allowed(path)));
  if (outside.size > 0) {
    const more = outside.size > 10 ? ` and ${outside.size - 10} more` : '';
    return said(
      'fail',
      `it changes paths outside the ticket: ${[...outside].slice(0, 10).join(', ')}${more}`,
    );
  }
  for (const path of touched) {
    const why = owned(path);
    if (why !== null) return said('fail', `it changes ${path}: ${why}`);
  }
  const submodule = changed.find((change) => change.newMode === '160000' || change.oldMode === '160000');
  if (submodule)
    return said('fail', `it changes the submodule ${submodule.path}, which only the operator does`);
  return said('pass', `${plural(changed.length, 'file')} changed, all inside the ticket's paths`);
}

function said(outcome: Verdict, detail: string): Omit<GateCondition, 'name'> {
  return { outcome, detail, durationMs: 0 };
}
