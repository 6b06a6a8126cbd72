import { createHash, randomUUID } from 'node:crypto';
import { copyFile, lstat, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { changes } from './changes.ts';
import { failure } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, recordsOf, requireObjectId, withoutDrivers } from './git.ts';
import type { GitCall } from './git.ts';
import { packToFile } from './objects.ts';
import { reconcile } from './reconcile.ts';
import { branchHead, hostHas, isDescendant, onHost, readIfThere, syncFolder, writeDurably } from './room.ts';
import type { Room } from './room.ts';
import { findWorkingTrees, halfDone } from './worktrees.ts';
import type { WorkingTree } from './worktrees.ts';

/** A landed commit. */
export interface Landed {
  ok: true;
  commit: string;
  /** True where the branch already had the commit. */
  repeated: boolean;
  /** The operator's working tree that was moved with the branch; null where the branch is checked out nowhere. */
  folder: string | null;
}

/** The operator is at work in the working tree that would move with the branch. */
export type WorkingTreeBusy = RepositoryFailure<'working-tree-busy'> & { folder: string; detail: string };

export type LandFailure =
  | WorkingTreeBusy
  | (RepositoryFailure<'moved'> & { actual: string | null })
  | RepositoryFailure<'not-fast-forward'>;

/** The steps of a landing, in their order; each is told when it is done. */
export type LandingStep = 'objects' | 'locked' | 'intended' | 'moved' | 'written' | 'indexed';

export interface LandInput {
  commit: string;
  /** What the branch must be at. */
  expected: string;
  /** For the branch's reflog. */
  message: string;
  onStep?: (step: LandingStep) => void;
}

/** Between which commits the branch would move. */
type Move = Pick<LandInput, 'commit' | 'expected'>;

const Intent = z.object({
  commit: z.string(),
  expected: z.string(),
  branch: z.string(),
  folder: z.string(),
  gitDir: z.string(),
  /** What the lock holds, by which it is known as ours. */
  token: z.string(),
  /** sha256 of the operator's index as it was. */
  index: z.string(),
});

/** What was about to happen to a working tree. It is on disk before the branch moves. */
export type Intent = z.infer<typeof Intent>;

const COPY = 'atrium-index';

function intentFile(room: Room): string {
  return join(room.stateDir, 'landing.json');
}

function busy(folder: string, detail: string): WorkingTreeBusy {
  return {
    ...failure(
      'working-tree-busy',
      `The merge waits for the working tree in ${folder}: ${detail}.`,
      'Commit or stash there.',
    ),
    folder,
    detail,
  };
}

/**
 * Moves the host's branch from `expected` to `commit` (which descends from it), with the operator's clean working tree where
 * the branch is checked out. Nothing is half moved: after a crash at any point {@link recoverLanding} ends or undoes it.
 */
export async function land(room: Room, input: LandInput): Promise<Landed | LandFailure> {
  const { commit, expected } = {
    commit: requireObjectId(input.commit),
    expected: requireObjectId(input.expected),
  };
  const recovered = await recoverLanding(room);
  if (!recovered.ok) return recovered;
  const at = await branchHead(room);
  if (at !== null && (at === commit || (await isDescendant(room, at, commit)))) {
    const { trees } = await findWorkingTrees(room);
    return { ok: true, commit, repeated: true, folder: trees[0]?.folder ?? null };
  }
  if (at !== expected) return moved(room, expected, at);
  if (!(await isDescendant(room, commit, expected))) {
    return failure('not-fast-forward', `Commit ${commit} does not descend from ${expected}.`);
  }
  await bringObjects(room, commit, expected);
  input.onStep?.('objects');

  const tree = await onlyTree(room);
  if (tree === null) {
    if (!(await moveBranch(room, input))) return moved(room, expected, await branchHead(room));
    return { ok: true, commit, repeated: false, folder: null };
  }
  return 'code' in tree ? tree : await landWithTree(room, input, tree);
}

function moved(room: Room, expected: string, actual: string | null): LandFailure {
  if (actual === expected) return busy(room.path, 'another git command holds its branch');
  const where = actual === null ? 'gone' : `at ${actual}`;
  return {
    ...failure(
      'moved',
      `Branch ${room.branch} is ${where}, not at ${expected}.`,
      'Verify again on what it is at now.',
    ),
    actual,
  };
}

async function bringObjects(room: Room, commit: string, expected: string): Promise<void> {
  if (await hostHas(room, commit)) return;
  const file = join(room.stateDir, `landing-${randomUUID()}.pack`);
  await mkdir(room.stateDir, { recursive: true });
  try {
    await packToFile(room, commit, [expected], file);
    const pack = await open(file, 'r');
    try {
      const call = onHost(room, { stdin: { descriptor: pack.fd } });
      await git(room.git, ['index-pack', '--stdin', '--strict', '--fix-thin'], call);
    } finally {
      await pack.close();
    }
  } finally {
    await rm(file, { force: true });
  }
}

/** Compare-and-swap of the branch: false where it is not at `expected` any more, or somebody holds it. */
async function moveBranch(room: Room, input: LandInput): Promise<boolean> {
  const args = [
    'update-ref',
    '-m',
    input.message.split('\n')[0] ?? '',
    `refs/heads/${room.branch}`,
    input.commit,
    input.expected,
  ];
  const env = { GIT_COMMITTER_NAME: 'Atrium', GIT_COMMITTER_EMAIL: 'atrium@localhost' };
  const result = await askGit(room.git, args, onHost(room, { env }));
  if (result.outcome !== 'exited') throw gitFault(args, result);
  if (result.code === 0) return true;
  if (/cannot lock ref|is at .* but expected/.test(result.stderr)) return false;
  throw gitFault(args, result);
}

/**
 * Why the operator's working tree would make a landing wait; null where it would not. Nothing that the operator could see is
 * changed, so it can be asked as often as their files change.
 */
export async function landingWaits(room: Room, input: Move): Promise<WorkingTreeBusy | null> {
  const { commit, expected } = {
    commit: requireObjectId(input.commit),
    expected: requireObjectId(input.expected),
  };
  // A branch that moved meanwhile is no reason to wait: the landing says so.
  if ((await branchHead(room)) !== expected) return null;
  await bringObjects(room, commit, expected);
  const tree = await onlyTree(room);
  if (tree === null || 'code' in tree) return tree;
  if ((await readIfThere(join(tree.gitDir, 'index.lock'))) !== null)
    return busy(tree.folder, 'another git command holds its index');
  try {
    const rehearsed = await rehearse(room, { commit, expected }, tree);
    return 'code' in rehearsed ? rehearsed : null;
  } finally {
    await dropCopy(tree);
  }
}

/** The one working tree that follows the branch; null where the branch is checked out nowhere. */
async function onlyTree(room: Room): Promise<WorkingTree | WorkingTreeBusy | null> {
  const { trees, hindered } = await findWorkingTrees(room);
  if (hindered !== null) return busy(hindered, `${room.branch} is being rebased or bisected there`);
  const [tree] = trees;
  if (tree === undefined) return null;
  return trees.length > 1 ? busy(tree.folder, `${room.branch} is checked out in another folder too`) : tree;
}

async function landWithTree(room: Room, input: LandInput, tree: WorkingTree): Promise<Landed | LandFailure> {
  const lock = join(tree.gitDir, 'index.lock');
  const token = `atrium ${randomUUID()}\n`;
  try {
    await writeFile(lock, token, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return busy(tree.folder, 'another git command holds its index');
  }
  // Between the intent and its end nothing is tidied away: what is left there is what a recovery goes by.
  let open = false;
  try {
    input.onStep?.('locked');
    const rehearsed = await rehearse(room, input, tree);
    if ('code' in rehearsed) return rehearsed;
    const { copy, call, digest } = rehearsed;
    const { commit, expected } = input;
    const intent: Intent = { commit, expected, branch: room.branch, ...tree, token, index: digest };
    await writeDurably(intentFile(room), JSON.stringify(intent));
    open = true;
    input.onStep?.('intended');
    if (!(await moveBranch(room, input))) {
      open = false;
      return moved(room, input.expected, await branchHead(room));
    }
    input.onStep?.('moved');
    const written = await askGit(room.git, ['read-tree', '-u', '-m', input.expected, input.commit], call);
    // Something got in the way between the rehearsal and now: the branch has moved, so the tree follows it file by file.
    if (written.outcome !== 'exited' || written.code !== 0)
      await reconcile(room, intent, await freshCopy(tree), call);
    input.onStep?.('written');
    await rename(copy, join(tree.gitDir, 'index'));
    await syncFolder(tree.gitDir);
    input.onStep?.('indexed');
    open = false;
    return { ok: true, commit: input.commit, repeated: false, folder: tree.folder };
  } finally {
    if (!open) await tidy(room, tree);
  }
}

/** Takes away what a landing needed: the lock last, so that nobody works on an index that is not settled. */
async function tidy(room: Room, tree: WorkingTree): Promise<void> {
  await dropCopy(tree);
  await rm(intentFile(room), { force: true });
  await rm(join(tree.gitDir, 'index.lock'), { force: true });
}

async function dropCopy(tree: WorkingTree): Promise<void> {
  await rm(join(tree.gitDir, COPY), { force: true });
  await rm(join(tree.gitDir, `${COPY}.lock`), { force: true });
}

async function freshCopy(tree: WorkingTree): Promise<string> {
  const copy = join(tree.gitDir, COPY);
  await copyFile(join(tree.gitDir, 'index'), copy);
  return copy;
}

/** How git is called on a working tree of the operator's with a copied index: no driver that attributes could pick is there. */
async function onTree(room: Room, tree: WorkingTree, index: string): Promise<GitCall> {
  const here: GitCall = { gitDir: tree.gitDir, workTree: tree.folder };
  return { ...here, config: await withoutDrivers(room.git, here), env: { GIT_INDEX_FILE: index } };
}

/** A landing that nothing refused: the copy of the index that it goes on with, and the sha256 of the index as it was. */
interface Rehearsed {
  copy: string;
  call: GitCall;
  digest: string;
}

async function rehearse(room: Room, input: Move, tree: WorkingTree): Promise<Rehearsed | WorkingTreeBusy> {
  const doing = await halfDone(tree);
  if (doing !== null) return busy(tree.folder, `${doing} is not finished there`);
  const index = join(tree.gitDir, 'index');
  const copy = join(tree.gitDir, COPY);
  const before = await readFile(index).catch(() => null);
  if (before === null) return busy(tree.folder, 'it has no index');
  await copyFile(index, copy);
  const call = await onTree(room, tree, copy);
  const refused = await refusal(room, input, tree, call);
  return refused ?? { copy, call, digest: createHash('sha256').update(before).digest('hex') };
}

/** Everything that can refuse, on the copied index, with nothing changed. */
async function refusal(
  room: Room,
  input: Move,
  tree: WorkingTree,
  call: GitCall,
): Promise<WorkingTreeBusy | null> {
  const head = await askGit(room.git, ['symbolic-ref', '-q', 'HEAD'], call);
  if (head.stdout.toString('utf8') !== `refs/heads/${room.branch}\n`)
    return busy(tree.folder, 'another branch was switched to');
  const refresh = await askGit(room.git, ['update-index', '-q', '--refresh'], call);
  if (refresh.outcome !== 'exited') throw gitFault(['update-index'], refresh);
  const staged = await askGit(room.git, ['diff-index', '--cached', '--quiet', input.expected, '--'], call);
  if (staged.outcome !== 'exited' || staged.code === null || staged.code > 1)
    throw gitFault(['diff-index'], staged);
  if (staged.code === 1) return busy(tree.folder, 'changes are staged there');
  const dry = await askGit(room.git, ['read-tree', '-n', '-u', '-m', input.expected, input.commit], call);
  if (dry.outcome !== 'exited') throw gitFault(['read-tree'], dry);
  if (dry.code === 0) {
    const hidden = await inTheWay(room, input, tree, call);
    return hidden === null ? null : busy(tree.folder, `${hidden} is there and not tracked`);
  }
  const path = /Entry '([^']*)'|file '([^']*)'/.exec(dry.stderr);
  const name = path?.[1] ?? path?.[2];
  const kind = /untracked/i.test(dry.stderr)
    ? 'is there and not tracked'
    : 'has changes that are not committed';
  return busy(
    tree.folder,
    name === undefined ? 'files that the merge touches have changes' : `${name} ${kind}`,
  );
}

/** An untracked file that the merge would write over: git itself gives way only for those that are not ignored. */
async function inTheWay(room: Room, input: Move, tree: WorkingTree, call: GitCall): Promise<string | null> {
  const suspects = new Set<string>();
  for (const { path, status } of await changes(room, input.expected, input.commit)) {
    if (status !== 'added') continue;
    const parts = path.split('/');
    for (let end = 1; end <= parts.length; end += 1) {
      const part = parts.slice(0, end).join('/');
      const found = await lstat(join(tree.folder, part)).catch(() => null);
      if (found !== null && end < parts.length && found.isDirectory()) continue;
      if (found !== null) suspects.add(part);
      break;
    }
  }
  const paths = [...suspects];
  for (let at = 0; at < paths.length; at += 200) {
    const args = ['ls-files', '-z', '--others', '--', ...paths.slice(at, at + 200)];
    const [untracked] = recordsOf((await git(room.git, args, call)).stdout);
    if (untracked !== undefined) return untracked;
  }
  return null;
}

/**
 * Ends what a crash cut short. Where the branch had not moved, the lock is taken away and nothing happened; where it had, the
 * working tree is brought to it file by file, and whatever the operator changed since stays as their change.
 */
export async function recoverLanding(
  room: Room,
): Promise<{ ok: true; recovered: 'nothing' | 'undone' | 'finished' } | LandFailure> {
  const text = await readIfThere(intentFile(room));
  if (text === null) return { ok: true, recovered: (await dropStaleLocks(room)) ? 'undone' : 'nothing' };
  const intent = Intent.parse(JSON.parse(text));
  const tree: WorkingTree = { folder: intent.folder, gitDir: intent.gitDir };
  const lock = join(tree.gitDir, 'index.lock');
  const index = join(tree.gitDir, 'index');
  const held = await readIfThere(lock);
  if (held !== null && held !== intent.token) return busy(tree.folder, 'another git command holds its index');
  const current = await readFile(index).catch(() => null);
  const untouched = current !== null && createHash('sha256').update(current).digest('hex') === intent.index;
  const at = await branchHead(room);
  const landed = at !== null && (at === intent.commit || (await isDescendant(room, at, intent.commit)));
  if (landed && untouched) {
    await rm(join(tree.gitDir, `${COPY}.lock`), { force: true });
    if (held === null) {
      try {
        await writeFile(lock, intent.token, { flag: 'wx' });
      } catch {
        return busy(tree.folder, 'another git command holds its index');
      }
    }
    const copy = await freshCopy(tree);
    await reconcile(room, intent, copy, await onTree(room, tree, copy));
    await rename(copy, index);
    await syncFolder(tree.gitDir);
  }
  await tidy(room, tree);
  return { ok: true, recovered: landed ? 'finished' : 'undone' };
}

/** Whether an index lock, by its content, is one that a landing took. */
export function isLandingLock(content: string): boolean {
  return /^atrium [0-9a-f-]{36}\n$/.test(content);
}

/** A crash after the lock and before the intent leaves a lock of ours that says nothing happened. */
async function dropStaleLocks(room: Room): Promise<boolean> {
  let dropped = false;
  for (const tree of (await findWorkingTrees(room)).trees) {
    const lock = join(tree.gitDir, 'index.lock');
    const held = await readIfThere(lock);
    if (held === null || !isLandingLock(held)) continue;
    await tidy(room, tree);
    dropped = true;
  }
  return dropped;
}
