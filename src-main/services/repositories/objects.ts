import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listRecords } from './records.ts';
import { askGit, git, lineOf, requireObjectId, requireRefName } from './git.ts';
import type { GitCall } from './git.ts';
import { hostHas, onHost, onScratch, readIfThere } from './room.ts';
import type { Owner, Room } from './room.ts';

const PINS = 'refs/atrium/base/';

/** Pins a commit on the host, so that no clean-up there takes it from an attempt. */
export async function pinBase(room: Room, attempt: string, commit: string): Promise<void> {
  const ref = await requireRefName(room.git, `${PINS}${attempt}`);
  await git(room.git, ['update-ref', '--no-deref', ref, requireObjectId(commit)], onHost(room));
}

/** Takes a pin away, and the prepared objects that nothing uses any more. A pin that is not there is no error. */
export async function unpinBase(room: Room, attempt: string): Promise<void> {
  const ref = await requireRefName(room.git, `${PINS}${attempt}`);
  const found = await askGit(
    room.git,
    ['rev-parse', '-q', '--verify', '--end-of-options', ref],
    onHost(room),
  );
  await git(room.git, ['update-ref', '--no-deref', '-d', ref], onHost(room));
  if (found.code === 0) await sweepObjects(room);
}

/** The attempts that pin a base on the host, with their commits. */
export async function listPins(room: Room): Promise<Array<{ attempt: string; commit: string }>> {
  const result = await git(
    room.git,
    ['for-each-ref', '--format=%(objectname) %(refname)', PINS],
    onHost(room),
  );
  const lines = lineOf(result.stdout)
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const cut = line.indexOf(' ');
    return { attempt: line.slice(cut + 1 + PINS.length), commit: line.slice(0, cut) };
  });
}

/** What a checkout borrows its objects from. */
export interface PreparedObjects {
  /** The folder to bind read-only at `/opt/atrium/base`. */
  baseObjects: string;
  /** Commits at which the history inside ends. */
  shallow: string[];
  /** Whether the commit is in it; false where its objects must be carried in beside it (see {@link packBeyondHost}). */
  complete: boolean;
}

/**
 * Finds or makes the objects for a checkout of `commit`. Of an ordinary brand these are the host's own, where the run's
 * user can read them; of a sealed brand, and elsewhere, a repository that holds this commit's files and nothing else.
 */
export async function prepareObjects(room: Room, commit: string): Promise<PreparedObjects> {
  requireObjectId(commit);
  const borrowed = await readIfThere(join(room.hostObjects, 'info', 'alternates'));
  if (!room.sealed && (borrowed ?? '').trim() === '' && (await readableBy(room.owner, room.hostObjects))) {
    const shallow = (await readIfThere(join(room.commonDir, 'shallow'))) ?? '';
    return {
      baseObjects: room.hostObjects,
      shallow: shallow.split('\n').filter((line) => line !== ''),
      complete: await hostHas(room, commit),
    };
  }
  return { baseObjects: await prepareMinimal(room, commit), shallow: [commit], complete: true };
}

function minimalFolder(room: Room, commit: string): string {
  return join(room.stateDir, 'base', commit);
}

async function prepareMinimal(room: Room, commit: string): Promise<string> {
  const folder = minimalFolder(room, commit);
  const objects = join(folder, 'objects');
  if ((await stat(objects).catch(() => null)) !== null) return objects;
  const fresh = `${folder}.${randomUUID()}`;
  try {
    await mkdir(join(fresh, 'objects', 'pack'), { recursive: true });
    await mkdir(join(fresh, 'objects', 'info'));
    const listed = await git(
      room.git,
      ['rev-list', '--objects', '--no-object-names', '--no-walk', commit],
      onScratch(room, { maxOutputBytes: 1024 * 1024 * 1024 }),
    );
    await git(
      room.git,
      ['pack-objects', '-q', '--threads=1', '--delta-base-offset', join(fresh, 'objects', 'pack', 'pack')],
      onScratch(room, { stdin: listed.stdout }),
    );
    for (const name of ['', 'objects', join('objects', 'pack'), join('objects', 'info')])
      await chmod(join(fresh, name), 0o755);
    for (const name of await readdir(join(fresh, 'objects', 'pack')))
      await chmod(join(fresh, 'objects', 'pack', name), 0o444);
    await rename(fresh, folder).catch(async (error: unknown) => {
      if ((await stat(objects).catch(() => null)) === null) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return objects;
}

/** Whether a user can read a folder of objects: each folder above it, its packs, and a sample of its loose objects. */
async function readableBy(owner: Owner | null, objects: string): Promise<boolean> {
  if (owner === null) return true;
  const may = async (path: string, bits: number): Promise<boolean> => {
    const found = await lstat(path).catch(() => null);
    if (found === null) return false;
    const shift = found.uid === owner.uid ? 6 : found.gid === owner.gid ? 3 : 0;
    return ((found.mode >> shift) & bits) === bits;
  };
  for (let above = dirname(objects); ; above = dirname(above)) {
    if (!(await may(above, 1))) return false;
    if (above === dirname(above)) break;
  }
  if (!(await may(objects, 5))) return false;
  for (const name of await readdir(objects)) {
    const folder = join(objects, name);
    if (!(await may(folder, 5))) return false;
    const held = await readdir(folder).catch((): string[] => []);
    for (const file of name === 'pack' ? held : held.slice(0, 1)) {
      if (!(await may(join(folder, file), 4))) return false;
    }
  }
  return true;
}

/**
 * A pack of what `commit` has beyond the host's branch and pins, to be carried into a checkout whose borrowed objects are
 * the host's. It leans on objects there (a thin pack).
 */
export async function packBeyondHost(room: Room, commit: string): Promise<Buffer> {
  const refs = await git(
    room.git,
    ['for-each-ref', '--format=%(objectname)', PINS, `refs/heads/${room.branch}`],
    onHost(room),
  );
  const known = lineOf(refs.stdout)
    .split('\n')
    .filter((line) => line !== '');
  const revisions = [commit, ...known.map((id) => `^${id}`), ''].join('\n');
  const call: GitCall = onScratch(room, { stdin: revisions, maxOutputBytes: 512 * 1024 * 1024 });
  return (
    await git(
      room.git,
      ['pack-objects', '-q', '--threads=1', '--revs', '--thin', '--stdout', '--delta-base-offset'],
      call,
    )
  ).stdout;
}

/** Writes the packed objects that `commit` has beyond `known` into a file. */
export async function packToFile(room: Room, commit: string, known: string[], file: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    const revisions = [commit, ...known.map((id) => `^${id}`), ''].join('\n');
    await git(
      room.git,
      ['pack-objects', '-q', '--threads=1', '--revs', '--thin', '--stdout', '--delta-base-offset'],
      onScratch(room, { stdin: revisions, stdoutDescriptor: handle.fd }),
    );
  } finally {
    await handle.close();
  }
}

const turns = new WeakMap<Room, Promise<unknown>>();

/** Work that nothing is swept under: what is found prepared in it is there until it has put down who uses it. */
export function borrowing<T>(room: Room, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(room) ?? Promise.resolve()).then(work, work);
  turns.set(room, turn);
  return turn;
}

/** Removes prepared objects that neither a pin nor a checkout uses any more; gives back how many. */
export function sweepObjects(room: Room): Promise<number> {
  return borrowing(room, () => sweep(room));
}

async function sweep(room: Room): Promise<number> {
  const kept = new Set((await listPins(room)).map((pin) => pin.commit));
  for (const { commit, forward = commit } of await listRecords(room)) kept.add(commit).add(forward);
  const names = await readdir(join(room.stateDir, 'base')).catch((): string[] => []);
  const loose = names.filter((name) => !kept.has(name));
  for (const name of loose) await rm(join(room.stateDir, 'base', name), { recursive: true, force: true });
  return loose.length;
}
