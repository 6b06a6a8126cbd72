import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askGit, git, lineOf, requireObjectId } from './git.ts';
import type { GitCall, GitProgram } from './git.ts';
import type { SandboxedCommand } from './ports.ts';

/** Who a run is, where it is another user than the core. */
export interface Owner {
  uid: number;
  gid: number;
}

/** What every operation on one opened repository shares. */
export interface Room {
  git: GitProgram;
  sandboxed: SandboxedCommand;
  sealed: boolean;
  owner: Owner | null;
  clock: () => Date;
  /** The branch that tickets are merged into, without `refs/heads/`. */
  branch: string;
  /** The top of the operator's working tree. */
  path: string;
  /** The git folder that the operator's working trees share. */
  commonDir: string;
  hostObjects: string;
  objectFormat: string;
  stateDir: string;
  /** The scratch bare repository: its own configuration only, the host's objects borrowed. */
  scratch: string;
}

/** How git is called on the host's repository, without its working tree. */
export function onHost(room: Room, call: GitCall = {}): GitCall {
  return { ...call, gitDir: room.commonDir };
}

/** How git is called on the scratch repository. */
export function onScratch(room: Room, call: GitCall = {}): GitCall {
  return { ...call, gitDir: room.scratch };
}

/**
 * Attributes that stand above all that a tree brings: no filters, no merge drivers, no encodings, nothing that picks a
 * program or rewrites bytes.
 */
const NEUTRAL_ATTRIBUTES =
  '* !filter !merge !diff !text !eol !ident !working-tree-encoding !export-subst !export-ignore\n';

/** Makes the scratch repository where it is missing, and brings its borrowed objects and its history's edge up to date. */
export async function prepareScratch(room: Room): Promise<void> {
  if ((await stat(join(room.scratch, 'HEAD')).catch(() => null)) === null) {
    const fresh = `${room.scratch}.${randomUUID()}`;
    await mkdir(room.stateDir, { recursive: true });
    await git(room.git, [
      'init',
      '-q',
      '--bare',
      '--template=',
      `--object-format=${room.objectFormat}`,
      fresh,
    ]);
    await mkdir(join(fresh, 'info'), { recursive: true });
    await writeFile(join(fresh, 'info', 'attributes'), NEUTRAL_ATTRIBUTES);
    await mkdir(join(fresh, 'objects', 'info'), { recursive: true });
    await rename(fresh, room.scratch).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true, force: true });
      if ((await stat(join(room.scratch, 'HEAD')).catch(() => null)) === null) throw error;
    });
  }
  await keepAt(join(room.scratch, 'objects', 'info', 'alternates'), alternatesLine(room.hostObjects));
  const shallow = join(room.scratch, 'shallow');
  const edge = await readIfThere(join(room.commonDir, 'shallow'));
  if (edge === null) await rm(shallow, { force: true });
  else await keepAt(shallow, edge);
}

/** A git that is at work there meanwhile sees the file whole: with half of it, it would miss the objects that it works on. */
async function keepAt(path: string, text: string): Promise<void> {
  if ((await readIfThere(path)) !== text) await writeDurably(path, text);
}

/** One line of an alternates file: quoted as git quotes, so that any path can stand there. */
function alternatesLine(path: string): string {
  const special = /["\\\n]/.test(path) || path.startsWith('#');
  const text = special ? `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"` : path;
  return `${text}\n`;
}

/** The commit that the branch is at on the host; null where the branch is gone. */
export async function branchHead(room: Room): Promise<string | null> {
  return (await looseHead(room)) ?? (await resolvedHead(room));
}

/** What the branch's own file names, which is most of the time all there is; null where git has to say it: packed, or kept otherwise. */
async function looseHead(room: Room): Promise<string | null> {
  const file = join(room.commonDir, 'refs', 'heads', room.branch);
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(text) ? text.trimEnd() : null;
}

async function resolvedHead(room: Room): Promise<string | null> {
  const result = await askGit(
    room.git,
    ['rev-parse', '-q', '--verify', '--end-of-options', `refs/heads/${room.branch}^{commit}`],
    onHost(room),
  );
  return result.code === 0 ? lineOf(result.stdout) : null;
}

/** Whether `ancestor` is `descendant` or lies in its history. Both are looked up in the scratch repository and on the host. */
export async function isDescendant(room: Room, descendant: string, ancestor: string): Promise<boolean> {
  if (descendant === ancestor) return true;
  const result = await git(
    room.git,
    ['merge-base', '--is-ancestor', ancestor, descendant],
    onScratch(room),
    [0, 1, 128],
  );
  return result.code === 0;
}

/** The newest commit that two commits have in their histories; null where there is none, or one of them is not there. */
export async function mergeBase(room: Room, one: string, other: string): Promise<string | null> {
  const args = ['merge-base', requireObjectId(one), requireObjectId(other)];
  const result = await git(room.git, args, onScratch(room), [0, 1, 128]);
  return result.code === 0 ? lineOf(result.stdout) : null;
}

/** Whether the host itself (not the scratch repository) has a commit. */
export async function hostHas(room: Room, commit: string): Promise<boolean> {
  return (await askGit(room.git, ['cat-file', '-e', `${commit}^{commit}`], onHost(room))).code === 0;
}

/** Writes a file so that after a crash it is there whole or not at all. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}`;
  const file = await open(fresh, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncFolder(join(path, '..'));
}

/** Makes what was renamed or removed in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The text of a file; null where there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
