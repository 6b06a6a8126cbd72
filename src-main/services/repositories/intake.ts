import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, lineOf, redact } from './git.ts';
import type { GitCall } from './git.ts';
import type { ProcessResult } from './process.ts';
import { onScratch } from './room.ts';
import type { Room } from './room.ts';

/** Commits that were read in and hold what they must. */
export interface Collected {
  ok: true;
  head: string;
  /** How many commits there are from the base to the head. */
  commits: number;
}

export type CollectFailureCode =
  'no-commits' | 'bad-bundle' | 'too-large' | 'not-descendant' | 'unreadable-checkout';

/** The parts of a bundle. */
export interface Bundle {
  head: string;
  pack: Buffer;
}

const HEADER_LIMIT = 256 * 1024;
/** Enough for an honest pack; a pack made to unfold beyond it ends its reader, not the core. */
const MEMORY_KB = 3 * 1024 * 1024;

/** The names of about a million files. */
const PATHS_LIMIT = 96 * 1024 * 1024;

/** Takes a bundle apart: a header of one ref, prerequisites, a pack. Null where it is none, or holds more refs than one. */
export function parseBundle(bytes: Buffer): Bundle | null {
  const end = bytes.subarray(0, HEADER_LIMIT).indexOf('\n\n');
  if (end < 0) return null;
  const [signature, ...lines] = bytes.subarray(0, end).toString('latin1').split('\n');
  if (signature !== '# v2 git bundle' && signature !== '# v3 git bundle') return null;
  const refs: string[] = [];
  for (const line of lines) {
    if (line.startsWith('@')) {
      if (!/^@object-format=sha(?:1|256)$/.test(line)) return null;
    } else if (!/^-[0-9a-f]{40,64}(?: |$)/.test(line)) {
      const id = /^([0-9a-f]{40}(?:[0-9a-f]{24})?) \S/.exec(line)?.[1];
      if (id === undefined) return null;
      refs.push(id);
    }
  }
  const [head] = refs;
  const pack = bytes.subarray(end + 2);
  if (head === undefined || refs.length !== 1 || !pack.subarray(0, 4).equals(Buffer.from('PACK')))
    return null;
  return { head, pack };
}

/**
 * Reads a bundle into the scratch repository under `ref`. Its objects are checked (names that stand for git's own folder,
 * malformed trees and commits, missing links) in a folder apart, and join the others only when everything holds.
 */
export async function takeIn(
  room: Room,
  input: { bundle: Buffer; base: string; ref: string; maxBytes: number; maxUnpackedBytes: number },
): Promise<Collected | RepositoryFailure<CollectFailureCode>> {
  const bundle = parseBundle(input.bundle);
  if (bundle === null)
    return failure('bad-bundle', 'What came out of the checkout is not a bundle of one branch.');
  const quarantine = join(room.scratch, `incoming-${randomUUID()}`);
  const apart = (call: GitCall = {}): GitCall =>
    onScratch(room, { ...call, env: { GIT_OBJECT_DIRECTORY: quarantine } });
  try {
    await mkdir(join(quarantine, 'pack'), { recursive: true });
    await mkdir(join(quarantine, 'info'));
    await writeFile(join(quarantine, 'info', 'alternates'), '../objects\n');
    const read = await askGit(
      room.git,
      [
        'index-pack',
        '--stdin',
        '--strict',
        '--fix-thin',
        '--threads=1',
        `--max-input-size=${input.maxBytes}`,
      ],
      apart({
        stdin: bundle.pack,
        memoryKb: MEMORY_KB,
        config: [
          ['core.bigFileThreshold', '32m'],
          ['core.packedGitLimit', '512m'],
          ['core.packedGitWindowSize', '64m'],
        ],
      }),
    );
    if (read.outcome === 'exited' && /maximum allowed size/.test(read.stderr))
      return tooLarge(input.maxBytes);
    if (read.outcome !== 'exited' || read.code !== 0) return refused(read);
    const judged = await judge(room, bundle.head, input, apart);
    if (!judged.ok) return judged;
    await release(room, quarantine);
    await git(room.git, ['update-ref', '--no-deref', input.ref, bundle.head], onScratch(room));
    return judged;
  } finally {
    await rm(quarantine, { recursive: true, force: true });
  }
}

async function judge(
  room: Room,
  head: string,
  input: { base: string; maxBytes: number; maxUnpackedBytes: number },
  apart: (call?: GitCall) => GitCall,
): Promise<Collected | RepositoryFailure<CollectFailureCode>> {
  const kind = await askGit(room.git, ['cat-file', '-t', head], apart());
  if (kind.code !== 0 || lineOf(kind.stdout) !== 'commit')
    return failure('bad-bundle', 'The head of the bundle is not a commit.');
  const descends = await git(
    room.git,
    ['merge-base', '--is-ancestor', input.base, head],
    apart(),
    [0, 1, 128],
  );
  if (descends.code === 128) return refused(descends);
  if (descends.code === 1) {
    return failure(
      'not-descendant',
      `Commit ${head} does not descend from ${input.base}, which its checkout began with.`,
    );
  }
  const counted = await askGit(room.git, ['rev-list', '--count', head, `^${input.base}`], apart());
  if (counted.code !== 0) return refused(counted);
  const commits = Number(lineOf(counted.stdout));
  if (commits === 0)
    return failure('no-commits', 'The checkout holds no commit beyond the one it began with.');

  const listed = await askGit(
    room.git,
    ['rev-list', '--objects', '--no-object-names', head, `^${input.base}`],
    apart(),
  );
  if (listed.outcome === 'output-limit') return tooLarge(input.maxUnpackedBytes);
  if (listed.code !== 0) return refused(listed);
  const sizes = await git(
    room.git,
    ['cat-file', '--batch-check=%(objectsize)'],
    apart({ stdin: listed.stdout }),
  );
  let unpacked = 0;
  for (const line of lineOf(sizes.stdout).split('\n')) {
    if (!/^\d+$/.test(line)) return failure('bad-bundle', 'An object that the bundle needs is missing.');
    unpacked += Number(line);
  }
  if (unpacked > input.maxUnpackedBytes) return tooLarge(input.maxUnpackedBytes);

  // Trees that repeat each other unfold to more paths than a difference could hold; a listing streams, and is cut off.
  const unfolded = await askGit(
    room.git,
    ['ls-tree', '-r', '-z', '--name-only', '--full-tree', head],
    apart({ maxOutputBytes: PATHS_LIMIT }),
  );
  const tooMany = `Commit ${head} holds more paths than can be looked at.`;
  if (unfolded.outcome !== 'exited') return failure('too-large', tooMany);
  const paths = await askGit(
    room.git,
    ['diff-tree', '-r', '--raw', '-z', '--no-renames', '--no-textconv', '--no-ext-diff', input.base, head],
    apart({ maxOutputBytes: 2 * PATHS_LIMIT, memoryKb: MEMORY_KB }),
  );
  if (paths.outcome !== 'exited') return failure('too-large', tooMany);
  if (paths.code !== 0) return refused(paths);
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(paths.stdout);
  } catch {
    return failure(
      'bad-bundle',
      `Commit ${head} changes a path whose name is not UTF-8.`,
      'Rename the file.',
    );
  }
  return { ok: true, head, commits };
}

/** Packs first, their indexes last: an index that is there names a pack that is there. */
async function release(room: Room, quarantine: string): Promise<void> {
  const into = join(room.scratch, 'objects', 'pack');
  await mkdir(into, { recursive: true });
  const names = await readdir(join(quarantine, 'pack'));
  const indexes = names.filter((name) => name.endsWith('.idx'));
  for (const name of [...names.filter((name) => !name.endsWith('.idx')), ...indexes]) {
    await rename(join(quarantine, 'pack', name), join(into, name));
  }
}

function tooLarge(limit: number): RepositoryFailure<CollectFailureCode> {
  return failure(
    'too-large',
    `The commits of the checkout are larger than ${limit} bytes.`,
    'Make smaller commits.',
  );
}

/** A bundle that git would not read: its own words are part of the reason. */
function refused(result: ProcessResult): RepositoryFailure<CollectFailureCode> {
  if (result.outcome !== 'exited') return failure('too-large', gitFault(['index-pack'], result).message);
  const why = redact(result.stderr).trim().split('\n').slice(0, 2).join(' ').slice(0, 500);
  return failure(
    'bad-bundle',
    `The commits of the checkout were refused: ${why || 'git could not read them'}.`,
  );
}
