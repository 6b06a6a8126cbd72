import { askGit, requireObjectId } from './git.ts';
import type { GitCall } from './git.ts';
import { branchHead, onHost, onScratch } from './room.ts';
import type { Room } from './room.ts';

/** Whether a repository holds together. `not-run` is not sound: the check did not come to an end. */
export type Soundness =
  | { ok: true; head: string }
  | { ok: false; code: 'unsound' | 'not-run'; message: string; hint: string; problems: string[] };

/** Follows every ref of the host's repository and of the scratch repository to what it needs. */
export async function soundness(room: Room, options: { timeoutMs?: number } = {}): Promise<Soundness> {
  const problems: string[] = [];
  const call: GitCall = { timeoutMs: options.timeoutMs ?? 300_000 };
  const places = [
    [room.path, onHost(room, call)],
    ["Atrium's scratch repository", onScratch(room, call)],
  ] as const;
  for (const [name, where] of places) {
    const args = ['fsck', '--connectivity-only', '--no-dangling', '--no-progress', '--no-reflogs'];
    const result = await askGit(room.git, args, where);
    if (result.outcome !== 'exited') {
      const message = `The check of ${room.path} did not come to an end.`;
      return { ok: false, code: 'not-run', message, hint: 'Run git fsck there by hand.', problems };
    }
    if (result.code === 0) continue;
    const lines = `${result.stdout.toString('utf8')}\n${result.stderr}`
      .split('\n')
      .filter((line) => line.trim() !== '');
    problems.push(...lines.slice(0, 20).map((line) => `${name}: ${line}`));
  }
  const head = await branchHead(room);
  if (head === null) problems.push(`${room.path}: branch ${room.branch} is gone`);
  if (head !== null && problems.length === 0) return { ok: true, head };
  const message = `The repository at ${room.path} does not hold together: ${problems[0] ?? 'its check failed'}.`;
  return {
    ok: false,
    code: 'unsound',
    message,
    hint: 'Run git fsck there, and restore what is missing.',
    problems,
  };
}

/** Follows what the branch gained from one commit to another to every object that it needs. */
export async function connected(room: Room, from: string, to: string): Promise<boolean> {
  const args = ['rev-list', '--objects', '--quiet', requireObjectId(to), `^${requireObjectId(from)}`];
  const result = await askGit(room.git, args, onHost(room));
  return result.outcome === 'exited' && result.code === 0;
}
