import { failure, RepositoryFault } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, gitLine, recordsOf, requireObjectId } from './git.ts';
import { isDescendant, onScratch } from './room.ts';
import type { Room } from './room.ts';

/** A merged tree, or the paths that a person must decide about. */
export type MergedTree =
  | { ok: true; tree: string }
  | (RepositoryFailure<'conflict'> & { conflicts: string[] })
  | RepositoryFailure<'unrelated'>;

/**
 * Makes the tree of `onto` and `candidate` merged, in the scratch repository: no working tree, no driver and no attribute
 * of a tree has a say in it.
 */
export async function mergeTree(room: Room, onto: string, candidate: string): Promise<MergedTree> {
  const args = [
    'merge-tree',
    '--write-tree',
    '-z',
    '--name-only',
    '--no-messages',
    requireObjectId(onto),
    requireObjectId(candidate),
  ];
  const config: Array<[string, string]> = [
    ['merge.default', 'text'],
    ['merge.renormalize', 'false'],
    ['merge.conflictStyle', 'merge'],
  ];
  const result = await askGit(room.git, args, onScratch(room, { config }));
  if (result.outcome === 'exited' && result.code !== 0 && /unrelated histories/.test(result.stderr)) {
    return failure('unrelated', `Commits ${onto} and ${candidate} have no history in common.`);
  }
  if (result.outcome !== 'exited' || (result.code !== 0 && result.code !== 1)) throw gitFault(args, result);
  const [tree, ...conflicts] = recordsOf(result.stdout);
  if (tree === undefined) throw gitFault(args, result);
  if (result.code === 0) return { ok: true, tree: requireObjectId(tree) };
  const paths = [...new Set(conflicts.filter((path) => path !== ''))];
  return {
    ...failure(
      'conflict',
      `Merging ${candidate} into ${onto} conflicts in ${paths.length} paths.`,
      'Decide each of them by hand.',
    ),
    conflicts: paths,
  };
}

/** What makes a merge commit: the same input makes the same commit id, so a repeat after a crash changes nothing. */
export interface MergeInput {
  tree: string;
  onto: string;
  candidate: string;
  message: string;
  author: { name: string; email: string };
  date: Date;
}

/**
 * The commit that the branch moves to: the candidate itself where it descends from `onto` (history stays linear), else a
 * merge commit of both in the scratch repository.
 */
export async function commitMerge(
  room: Room,
  input: MergeInput,
): Promise<{ commit: string; linear: boolean }> {
  const { onto, candidate } = input;
  if (await isDescendant(room, requireObjectId(candidate), requireObjectId(onto))) {
    const own = await gitLine(room.git, ['rev-parse', `${candidate}^{tree}`], onScratch(room));
    if (own !== input.tree) {
      throw new RepositoryFault(
        'bad-argument',
        `Tree ${input.tree} is not the tree of ${candidate}, which needs no merge.`,
      );
    }
    return { commit: candidate, linear: true };
  }
  const date = `${Math.floor(input.date.getTime() / 1000)} +0000`;
  const env: Record<string, string> = {};
  for (const who of ['GIT_AUTHOR', 'GIT_COMMITTER']) {
    env[`${who}_NAME`] = input.author.name;
    env[`${who}_EMAIL`] = input.author.email;
    env[`${who}_DATE`] = date;
  }
  const made = await git(
    room.git,
    ['commit-tree', requireObjectId(input.tree), '-p', onto, '-p', candidate, '-F', '-'],
    onScratch(room, { env, stdin: input.message.endsWith('\n') ? input.message : `${input.message}\n` }),
  );
  return { commit: made.stdout.toString('utf8').trim(), linear: false };
}
