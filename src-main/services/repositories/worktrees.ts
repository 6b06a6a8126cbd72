import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { git, gitLine, recordsOf } from './git.ts';
import { onHost, readIfThere } from './room.ts';
import type { Room } from './room.ts';

/** A working tree of the operator's in which the branch is checked out. */
export interface WorkingTree {
  folder: string;
  /** The git folder of this working tree, where its index and its lock are. */
  gitDir: string;
}

/** Where the branch is checked out. `hindered` names a folder in which something on it is half done. */
export async function findWorkingTrees(
  room: Room,
): Promise<{ trees: WorkingTree[]; hindered: string | null }> {
  const listed = await git(room.git, ['worktree', 'list', '--porcelain', '-z'], onHost(room));
  const ref = `refs/heads/${room.branch}`;
  const trees: WorkingTree[] = [];
  let hindered: string | null = null;
  let folder = '';
  let attributes = new Set<string>();
  const close = async (): Promise<void> => {
    if (folder === '' || attributes.has('bare') || (await stat(folder).catch(() => null)) === null) return;
    const gitDir = await gitLine(room.git, ['rev-parse', '--absolute-git-dir'], { cwd: folder });
    if (attributes.has(`branch ${ref}`)) trees.push({ folder, gitDir });
    else if (attributes.has('detached') && (await rebases(gitDir, ref))) hindered = folder;
  };
  for (const record of recordsOf(listed.stdout)) {
    if (record.startsWith('worktree ')) {
      folder = record.slice('worktree '.length);
      attributes = new Set();
    } else if (record === '') {
      await close();
      folder = '';
    } else attributes.add(record);
  }
  await close();
  return { trees, hindered };
}

async function rebases(gitDir: string, ref: string): Promise<boolean> {
  for (const name of ['rebase-merge', 'rebase-apply']) {
    if ((await readIfThere(join(gitDir, name, 'head-name')))?.trim() === ref) return true;
  }
  const bisected = await readIfThere(join(gitDir, 'BISECT_START'));
  return bisected !== null && `refs/heads/${bisected.trim()}` === ref;
}

const HALF_DONE: Record<string, string> = {
  MERGE_HEAD: 'a merge',
  CHERRY_PICK_HEAD: 'a cherry-pick',
  REVERT_HEAD: 'a revert',
  'rebase-merge': 'a rebase',
  'rebase-apply': 'a rebase',
  BISECT_START: 'a bisection',
};

/** What the operator is in the middle of in a working tree; null where nothing. */
export async function halfDone(tree: WorkingTree): Promise<string | null> {
  const names = new Set(await readdir(tree.gitDir));
  for (const [name, what] of Object.entries(HALF_DONE)) if (names.has(name)) return what;
  return null;
}
