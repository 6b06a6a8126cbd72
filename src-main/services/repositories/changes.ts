import { createHash } from 'node:crypto';
import { failure } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, recordsOf, requireObjectId } from './git.ts';
import { onScratch } from './room.ts';
import type { Room } from './room.ts';

/** One path that differs between two commits. Modes are git's: 100644, 100755 (executable), 120000 (link), 160000 (submodule). */
export interface Change {
  path: string;
  status: 'added' | 'modified' | 'deleted' | 'type-changed';
  oldMode: string;
  newMode: string;
  oldId: string;
  newId: string;
}

/** One file of a commit. */
export interface ListedFile {
  path: string;
  mode: string;
  id: string;
}

const RAW = ['-r', '--raw', '-z', '--no-renames', '--no-textconv', '--no-ext-diff'];
const STATUS: Record<string, Change['status']> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  T: 'type-changed',
};

/** The raw difference between two commits or trees: what bytes and modes changed, whatever attributes say. */
export async function changes(room: Room, from: string, to: string): Promise<Change[]> {
  const args = ['diff-tree', ...RAW, requireObjectId(from), requireObjectId(to)];
  return parseRaw(recordsOf((await git(room.git, args, onScratch(room))).stdout));
}

/** Reads `--raw -z` records: a line of modes, ids and status, then a path. */
export function parseRaw(records: string[]): Change[] {
  const found: Change[] = [];
  for (let at = 0; at + 1 < records.length; at += 2) {
    const match = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/.exec(records[at] ?? '');
    const status = STATUS[match?.[5] ?? ''];
    const [, oldMode, newMode, oldId, newId] = match ?? [];
    const path = records[at + 1];
    if (status === undefined || path === undefined || !oldMode || !newMode || !oldId || !newId) {
      throw gitFault(['diff-tree'], {
        outcome: 'exited',
        code: 0,
        stdout: Buffer.alloc(0),
        stderr: 'its output cannot be read',
      });
    }
    found.push({ path, status, oldMode, newMode, oldId, newId });
  }
  return found;
}

/** The difference as text for reading, cut at `maxBytes` (1 MB by default). */
export async function diffText(
  room: Room,
  from: string,
  to: string,
  options: { maxBytes?: number } = {},
): Promise<{ text: string; truncated: boolean }> {
  const limit = options.maxBytes ?? 1024 * 1024;
  const args = [
    'diff-tree',
    '-r',
    '-p',
    '--no-color',
    '--no-renames',
    '--no-textconv',
    '--no-ext-diff',
    '--full-index',
    '--submodule=short',
  ];
  const result = await askGit(
    room.git,
    [...args, requireObjectId(from), requireObjectId(to)],
    onScratch(room, { maxOutputBytes: limit, config: [['core.quotePath', 'false']] }),
  );
  if (result.outcome === 'timeout' || (result.outcome === 'exited' && result.code !== 0))
    throw gitFault(args, result);
  return { text: result.stdout.toString('utf8'), truncated: result.outcome === 'output-limit' };
}

/**
 * Everything readable that commits bring with them: each commit as its object says (message, who made it, what else stands there)
 * and what it changed, names and lines, also where attributes or a NUL would have it taken for no text. Of what really is none the
 * words are left that stand in it. Cut at `maxBytes`.
 */
export async function broughtText(
  room: Room,
  commits: readonly string[],
  options: { maxBytes: number },
): Promise<{ text: string; truncated: boolean }> {
  const stdin = commits.map((commit) => `${requireObjectId(commit)}\n`).join('');
  const shown = ['-r', '-p', '-m', '--root', '--text', '--no-color', '--no-renames', '--no-textconv'];
  let text = '';
  for (const args of [
    ['cat-file', '--batch'],
    ['diff-tree', '--stdin', ...shown, '--no-ext-diff', '--full-index', '--submodule=short'],
  ]) {
    const left = options.maxBytes - text.length;
    const call = { stdin, maxOutputBytes: left, config: [['core.quotePath', 'false'] as [string, string]] };
    const result = await askGit(room.git, args, onScratch(room, call));
    if (result.outcome === 'output-limit') return { text, truncated: true };
    if (result.outcome === 'timeout' || result.code !== 0) throw gitFault(args, result);
    text += result.stdout.toString('utf8');
  }
  return { text: readable(text), truncated: false };
}

/** What no text holds, and what can be read in a line of it all the same. */
const NO_TEXT = /[\u0001-\u0008\u000e-\u001f\ufffd]/;
const READABLE = /[\t\u0020-\u007e]{8,}/g;

function readable(text: string): string {
  return text
    .replaceAll('\0', ' ')
    .split('\n')
    .map((line) => (NO_TEXT.test(line) ? (line.match(READABLE) ?? []).join(' ') : line))
    .join('\n');
}

/** Every file of a commit, links and submodules included. */
export async function listFiles(room: Room, commit: string): Promise<ListedFile[]> {
  const args = ['ls-tree', '-r', '-z', '--full-tree', requireObjectId(commit)];
  return recordsOf((await git(room.git, args, onScratch(room))).stdout).map((record) => {
    const cut = record.indexOf('\t');
    const [mode = '', , id = ''] = record.slice(0, cut).split(' ');
    return { path: record.slice(cut + 1), mode, id };
  });
}

/** One file's bytes as committed. A link gives its target; `too-large` where it is over `maxBytes`. */
export async function readFile(
  room: Room,
  commit: string,
  path: string,
  maxBytes = 1024 * 1024,
): Promise<
  { ok: true; bytes: Buffer; mode: string } | RepositoryFailure<'missing' | 'not-a-file' | 'too-large'>
> {
  const args = ['ls-tree', '-l', '-z', '--full-tree', requireObjectId(commit), '--', path];
  const absent = failure('missing', `There is no ${JSON.stringify(path)} in commit ${commit}.`);
  if (path === '' || path.endsWith('/') || path.includes('\0')) return absent;
  const [record] = recordsOf((await git(room.git, args, onScratch(room))).stdout);
  if (record === undefined || record.slice(record.indexOf('\t') + 1) !== path) return absent;
  const [mode = '', type, id = '', size] = record.slice(0, record.indexOf('\t')).split(/ +/);
  if (type !== 'blob')
    return failure('not-a-file', `${JSON.stringify(path)} in commit ${commit} is not a file.`);
  if (Number(size) > maxBytes) {
    return failure(
      'too-large',
      `${JSON.stringify(path)} in commit ${commit} has ${size} bytes; ${maxBytes} are allowed.`,
    );
  }
  const blob = await git(
    room.git,
    ['cat-file', 'blob', id],
    onScratch(room, { maxOutputBytes: maxBytes + 1 }),
  );
  return { ok: true, bytes: blob.stdout, mode };
}

/** One hash over the lockfiles that a commit has: the same names and contents, the same hash (sha256, hexadecimal). */
export async function lockfileHash(room: Room, commit: string, lockfiles: string[]): Promise<string> {
  const hash = createHash('sha256');
  const names = [...new Set(lockfiles)].sort();
  if (names.length > 0) {
    const args = ['ls-tree', '-z', '--full-tree', requireObjectId(commit), '--', ...names];
    hash.update((await git(room.git, args, onScratch(room))).stdout);
  }
  return hash.digest('hex');
}
