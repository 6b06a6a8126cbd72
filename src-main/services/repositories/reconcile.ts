import { lstat, readFile, readlink, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { changes } from './changes.ts';
import type { Change } from './changes.ts';
import { askGit, git, recordsOf } from './git.ts';
import type { GitCall } from './git.ts';
import type { Room } from './room.ts';

/**
 * Brings a working tree that was left between two commits to the later one. `index` is a copy of the index of the earlier
 * commit and holds the later one's entries afterwards. A file is written where it still is as in the earlier commit, or is
 * what a broken-off write leaves (missing, or a beginning of the new content); anything else is the operator's and stays.
 */
export async function reconcile(
  room: Room,
  move: { expected: string; commit: string; folder: string },
  index: string,
  call: GitCall,
): Promise<{ left: string[] }> {
  const on: GitCall = { ...call, env: { ...call.env, GIT_INDEX_FILE: index } };
  const moved = await changes(room, move.expected, move.commit);
  await askGit(room.git, ['update-index', '-q', '--refresh'], on);
  const unlikeOld = await differing(room, on);
  await git(room.git, ['read-tree', '-i', '-m', move.expected, move.commit], on);
  await askGit(room.git, ['update-index', '-q', '--refresh'], on);
  const unlikeNew = await differing(room, on);

  const write: string[] = [];
  const left: string[] = [];
  for (const change of moved.filter(({ status }) => status === 'deleted')) {
    // git counts a path behind a link as missing: what is deleted here lies in the working tree itself.
    if (!unlikeOld.has(change.path)) await removeFile(move.folder, change.path);
    else if (await isThere(move.folder, change.path)) left.push(change.path);
  }
  for (const change of moved.filter(({ status }) => status !== 'deleted')) {
    const file = join(move.folder, change.path);
    if (unlikeNew.has(change.path)) {
      const there = await isThere(move.folder, change.path);
      const asBefore = change.status !== 'added' && !unlikeOld.has(change.path);
      if (!there || asBefore || (await brokenOff(room, call, file, change))) write.push(change.path);
      else left.push(change.path);
    }
  }
  if (write.length > 0) {
    await git(room.git, ['checkout-index', '-f', '-u', '-z', '--stdin'], {
      ...on,
      stdin: `${write.join('\0')}\0`,
    });
  }
  await askGit(room.git, ['update-index', '-q', '--refresh'], on);
  return { left };
}

/** Whether there is a file of that path in the folder itself: a link on the way to it leads elsewhere. */
async function isThere(folder: string, path: string): Promise<boolean> {
  const parts = path.split('/');
  for (let end = 1; end <= parts.length; end += 1) {
    const found = await lstat(join(folder, ...parts.slice(0, end))).catch(() => null);
    if (found === null || (end < parts.length && !found.isDirectory())) return false;
  }
  return true;
}

/** Removes a file and the folders that it leaves empty. */
async function removeFile(folder: string, path: string): Promise<void> {
  if (!(await isThere(folder, path))) return;
  await rm(join(folder, path), { force: true });
  const parents = path.split('/').slice(0, -1);
  try {
    for (; parents.length > 0; parents.pop()) await rmdir(join(folder, ...parents));
  } catch {
    return;
  }
}

async function differing(room: Room, call: GitCall): Promise<Set<string>> {
  const args = [
    'diff-files',
    '--name-only',
    '-z',
    '--no-ext-diff',
    '--no-textconv',
    '--ignore-submodules=all',
  ];
  return new Set(recordsOf((await git(room.git, args, call)).stdout));
}

/** Whether a file is a beginning of what was to be written there. */
async function brokenOff(room: Room, call: GitCall, file: string, change: Change): Promise<boolean> {
  if (!change.newMode.startsWith('100') && change.newMode !== '120000') return false;
  const found = await lstat(file);
  const held = found.isSymbolicLink()
    ? Buffer.from(await readlink(file))
    : found.isFile()
      ? await readFile(file)
      : null;
  if (held === null) return false;
  const wanted = await git(room.git, ['cat-file', 'blob', change.newId], {
    ...call,
    maxOutputBytes: 1024 * 1024 * 1024,
  });
  return wanted.stdout.subarray(0, held.length).equals(held) && held.length < wanted.stdout.length;
}
