import { randomUUID } from 'node:crypto';
import { chown, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  BUNDLE,
  COMMIT,
  configOf,
  CREATE,
  DESCRIBE,
  EMPTY,
  inside,
  NOTHING_NEW,
  said,
  SAVE,
} from './checkout-scripts.ts';
import { failure, RepositoryFault } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { git, lineOf, requireObjectId, requireRefName } from './git.ts';
import { takeIn } from './intake.ts';
import type { Collected, CollectFailureCode } from './intake.ts';
import { borrowing, packBeyondHost, pinBase, prepareObjects } from './objects.ts';
import { forgetRecord, readRecord, writeRecord } from './records.ts';
import type { CheckoutRecord } from './records.ts';
import { onScratch } from './room.ts';
import type { Room } from './room.ts';

/** A checkout that was made. */
export interface Checkout {
  ok: true;
  folder: string;
  branch: string;
  head: string;
  /** To be bound read-only at `/opt/atrium/base` in every sandbox that uses this checkout. */
  baseObjects: string;
}

/** How a checkout stands. All of it is the checkout's own word. */
export interface CheckoutState {
  ok: true;
  base: string;
  head: string;
  /** The branch it is on; null where it is on none. */
  branch: string | null;
  /** Paths that are changed and not committed. */
  dirty: string[];
  /** Commits beyond the base. */
  ahead: number;
}

const CALL_TIMEOUT_MS = 300_000;
const OUTPUT_LIMIT = 64 * 1024 * 1024;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const UNPACKED_FACTOR = 8;

/**
 * Makes a checkout of `commit` in an empty or missing folder, on a new branch. The host makes the empty folder and gives it
 * to the run's user; it is filled inside the sandbox.
 */
export async function createCheckout(
  room: Room,
  input: { folder: string; commit: string; branch: string; identity: { name: string; email: string } },
): Promise<Checkout | RepositoryFailure<'folder-not-empty' | 'not-a-folder'>> {
  const { folder, commit, branch } = input;
  if (!isAbsolute(folder)) throw new RepositoryFault('bad-argument', `${folder} is not an absolute path.`);
  requireObjectId(commit);
  await requireRefName(room.git, `refs/heads/${branch}`);
  const found = await lstat(folder).catch(() => null);
  if (found !== null && !found.isDirectory()) {
    return failure('not-a-folder', `${folder} is there and is not a folder.`, 'Move it away.');
  }
  if (found !== null && (await readdir(folder)).length > 0) {
    return failure('folder-not-empty', `${folder} is there and is not empty.`, 'Remove that checkout first.');
  }
  const { prepared, record } = await borrowing(room, async () => {
    const prepared = await prepareObjects(room, commit);
    const record: CheckoutRecord = { folder, commit, branch, baseObjects: prepared.baseObjects };
    await writeRecord(room, record);
    return { prepared, record };
  });
  const carried = prepared.complete ? null : await packBeyondHost(room, commit);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (room.owner !== null) await chown(folder, room.owner.uid, room.owner.gid);
  const result = await room.sandboxed({
    checkout: folder,
    access: 'write',
    baseObjects: prepared.baseObjects,
    command: inside(room, CREATE, [
      branch,
      commit,
      configOf(room, input.identity),
      prepared.shallow.join('\n'),
      carried === null ? '' : 'carried',
    ]),
    ...(carried === null ? {} : { stdin: carried.toString('base64') }),
    timeoutMs: CALL_TIMEOUT_MS,
    maxOutputBytes: OUTPUT_LIMIT,
  });
  if (result.outcome !== 'exited' || result.code !== 0) {
    await deleteFolder(room, record);
    throw new RepositoryFault(
      'sandbox-failed',
      `The checkout in ${folder} could not be filled: ${said(result)}.`,
    );
  }
  return { ok: true, folder, branch, head: commit, baseObjects: prepared.baseObjects };
}

/** Asks a checkout how it stands. */
export async function describeCheckout(
  room: Room,
  folder: string,
): Promise<CheckoutState | RepositoryFailure<'unknown-checkout' | 'unreadable-checkout'>> {
  const record = await readRecord(room, folder);
  if (record === null) return failure('unknown-checkout', `${folder} is not a checkout of this repository.`);
  const result = await room.sandboxed({
    checkout: folder,
    access: 'read',
    baseObjects: record.baseObjects,
    command: inside(room, DESCRIBE, [record.commit]),
    timeoutMs: CALL_TIMEOUT_MS,
    maxOutputBytes: OUTPUT_LIMIT,
  });
  const text = result.stdout.toString('utf8');
  const ahead = /^(\d{1,9})\n/.exec(text)?.[1];
  const entries = text.slice((ahead?.length ?? 0) + 1).split('\0');
  const head = entries
    .map((entry) => /^# branch\.oid ([0-9a-f]{40,64})$/.exec(entry)?.[1])
    .find((id) => id !== undefined);
  const branch = entries
    .map((entry) => /^# branch\.head ([\s\S]+)$/.exec(entry)?.[1])
    .find((name) => name !== undefined);
  if (result.outcome !== 'exited' || result.code !== 0 || ahead === undefined || head === undefined) {
    return failure('unreadable-checkout', `The checkout in ${folder} cannot be read: ${said(result)}.`);
  }
  const dirty = entries.flatMap((entry) => {
    if (entry.startsWith('? ')) return [entry.slice(2)];
    if (entry.startsWith('1 ')) return [entry.split(' ').slice(8).join(' ')];
    return entry.startsWith('u ') ? [entry.split(' ').slice(10).join(' ')] : [];
  });
  return {
    ok: true,
    base: record.commit,
    head,
    branch: branch === '(detached)' ? null : (branch ?? null),
    dirty,
    ahead: Number(ahead),
  };
}

/** Commits all that is changed or new in a checkout and not ignored; `committed` is false where nothing is. */
export async function commitCheckout(
  room: Room,
  folder: string,
  message: string,
): Promise<{ ok: true; committed: boolean } | RepositoryFailure<'unknown-checkout' | 'unreadable-checkout'>> {
  const record = await readRecord(room, folder);
  if (record === null) return failure('unknown-checkout', `${folder} is not a checkout of this repository.`);
  const result = await room.sandboxed({
    checkout: folder,
    access: 'write',
    baseObjects: record.baseObjects,
    command: inside(room, COMMIT, [message]),
    timeoutMs: CALL_TIMEOUT_MS,
    maxOutputBytes: OUTPUT_LIMIT,
  });
  if (result.outcome === 'exited' && result.code === NOTHING_NEW) return { ok: true, committed: false };
  if (result.outcome !== 'exited' || result.code !== 0)
    return failure('unreadable-checkout', `What is in ${folder} cannot be committed: ${said(result)}.`);
  return { ok: true, committed: true };
}

/** Reads the commits of a checkout into the scratch repository, under `refs/atrium/attempts/<attempt>`. */
export async function collect(
  room: Room,
  input: { folder: string; base: string; attempt: string; maxBytes?: number; maxUnpackedBytes?: number },
): Promise<Collected | RepositoryFailure<CollectFailureCode>> {
  requireObjectId(input.base);
  const ref = await requireRefName(room.git, `refs/atrium/attempts/${input.attempt}`);
  const maxBytes = input.maxBytes ?? DEFAULT_MAX_BYTES;
  const record = await readRecord(room, input.folder);
  const baseObjects = record?.baseObjects ?? (await prepareObjects(room, input.base)).baseObjects;
  const result = await room.sandboxed({
    checkout: input.folder,
    access: 'read',
    baseObjects,
    command: inside(room, BUNDLE, [input.base]),
    timeoutMs: CALL_TIMEOUT_MS,
    maxOutputBytes: maxBytes,
  });
  if (result.outcome === 'output-limit') {
    return failure(
      'too-large',
      `The commits of ${input.folder} are larger than ${maxBytes} bytes.`,
      'Make smaller commits.',
    );
  }
  if (result.outcome === 'exited' && result.code === NOTHING_NEW) {
    return failure(
      'no-commits',
      `${input.folder} holds no commit beyond the one it began with.`,
      'Commit the work first.',
    );
  }
  if (result.outcome !== 'exited' || result.code !== 0) {
    return failure('unreadable-checkout', `The commits of ${input.folder} cannot be read: ${said(result)}.`);
  }
  return await takeIn(room, {
    bundle: result.stdout,
    base: input.base,
    ref,
    maxBytes,
    maxUnpackedBytes: input.maxUnpackedBytes ?? maxBytes * UNPACKED_FACTOR,
  });
}

/** A checkout that is gone. */
export interface RemovedCheckout {
  ok: true;
  /** The ref in the scratch repository that keeps what was in no collected attempt; null where there was nothing. */
  saved: { ref: string; commit: string } | null;
}

/**
 * Removes a checkout. What in it is neither committed nor collected is saved first, as a commit under
 * `refs/atrium/trash/<name>` of the scratch repository; where that fails the checkout stays, unless `discard` is set.
 * Files that the checkout ignores, and repositories nested in it, are not saved.
 */
export async function removeCheckout(
  room: Room,
  folder: string,
  options: { discard?: boolean } = {},
): Promise<RemovedCheckout | RepositoryFailure<'unknown-checkout' | 'not-saved'>> {
  const record = await readRecord(room, folder);
  if (record === null) return failure('unknown-checkout', `${folder} is not a checkout of this repository.`);
  if (options.discard === true || (await lstat(folder).catch(() => null)) === null) {
    await deleteFolder(room, record);
    return { ok: true, saved: null };
  }
  const newest = [
    'for-each-ref',
    '--sort=-committerdate',
    '--count=500',
    '--format=%(objectname)',
    'refs/atrium/attempts/',
  ];
  const collected = lineOf((await git(room.git, newest, onScratch(room))).stdout).replaceAll('\n', ' ');
  const name = `${record.branch.replaceAll('/', '-')}-${room.clock().getTime()}-${randomUUID().slice(0, 8)}`;
  const result = await room.sandboxed({
    checkout: folder,
    access: 'write',
    baseObjects: record.baseObjects,
    command: inside(room, SAVE, [
      record.commit,
      `${record.commit} ${collected}`,
      `What was left in ${record.branch}`,
    ]),
    timeoutMs: CALL_TIMEOUT_MS,
    maxOutputBytes: DEFAULT_MAX_BYTES,
  });
  if (result.outcome === 'exited' && result.code === NOTHING_NEW) {
    await deleteFolder(room, record);
    return { ok: true, saved: null };
  }
  const kept = `${folder} stays, because what is in it could not be saved`;
  if (result.outcome !== 'exited' || result.code !== 0) {
    return failure('not-saved', `${kept}: ${said(result)}.`, 'Look at it, then remove it without saving.');
  }
  const ref = await requireRefName(room.git, `refs/atrium/trash/${name}`);
  const saved = await takeIn(room, {
    bundle: result.stdout,
    base: record.commit,
    ref,
    maxBytes: DEFAULT_MAX_BYTES,
    maxUnpackedBytes: DEFAULT_MAX_BYTES * UNPACKED_FACTOR,
  });
  if (!saved.ok)
    return failure('not-saved', `${kept}: ${saved.message}`, 'Look at it, then remove it without saving.');
  await pinBase(room, `trash/${name}`, record.commit);
  await deleteFolder(room, record);
  return { ok: true, saved: { ref, commit: saved.head } };
}

/** Empties the folder inside the walls, where no link leads out, and takes the empty folder away. */
async function deleteFolder(room: Room, record: CheckoutRecord): Promise<void> {
  const left = await readdir(record.folder).catch(() => null);
  if (left !== null && left.length > 0) {
    await room.sandboxed({
      checkout: record.folder,
      access: 'write',
      baseObjects: record.baseObjects,
      command: inside(room, EMPTY, []),
      timeoutMs: CALL_TIMEOUT_MS,
      maxOutputBytes: OUTPUT_LIMIT,
    });
  }
  await rmdir(record.folder).catch(() => rm(record.folder, { recursive: true, force: true }));
  await forgetRecord(room, record.folder);
}
