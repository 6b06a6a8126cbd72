import type { AfterMerge } from '../../contract/config.ts';
import { failure, RepositoryFault } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, lineOf, redact, requireObjectId, requireRefName } from './git.ts';
import type { ProcessResult } from './process.ts';
import { branchHead, onHost } from './room.ts';
import type { Room } from './room.ts';

/** How the branch stands to the branch that it follows on its remote. */
export type RemoteState =
  | { ok: true; state: 'no-remote' | 'no-remote-branch' }
  | {
      ok: true;
      state: 'up-to-date' | 'ahead' | 'behind';
      remote: string;
      remoteHead: string;
      ahead: number;
      behind: number;
    }
  | (RepositoryFailure<'diverged'> & { remote: string; remoteHead: string; ahead: number; behind: number })
  | (RepositoryFailure<'remote-unreachable'> & { remote: string });

/**
 * Fetches what the branch follows: its configured upstream, else the branch of the same name at `origin`. Moves no branch of
 * the operator's; `behind` is caught up with by landing `remoteHead`.
 */
export async function fetchRemote(room: Room, options: { timeoutMs?: number } = {}): Promise<RemoteState> {
  const followed = await upstreamOf(room);
  if (followed === null) return { ok: true, state: 'no-remote' };
  const { remote, branch } = followed;
  const tracking = `refs/remotes/${remote}/${branch.replace(/^refs\/heads\//, '')}`;
  await requireRefName(room.git, tracking);
  const args = [
    'fetch',
    '-q',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--no-auto-maintenance',
  ];
  const result = await askGit(
    room.git,
    [...args, '--end-of-options', remote, `+${branch}:${tracking}`],
    onHost(room, {
      trust: 'remote',
      config: [['fetch.fsckObjects', 'true']],
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    }),
  );
  if (result.outcome === 'exited' && result.code !== 0 && /couldn't find remote ref/.test(result.stderr)) {
    return { ok: true, state: 'no-remote-branch' };
  }
  if (result.outcome !== 'exited' || result.code !== 0) {
    return {
      ...failure(
        'remote-unreachable',
        `Remote ${remote} of ${room.path} could not be fetched: ${reason(result)}.`,
        'Check the network and your access.',
      ),
      remote,
    };
  }
  const remoteHead = lineOf(
    (await git(room.git, ['rev-parse', '--verify', '--end-of-options', tracking], onHost(room))).stdout,
  );
  const head = await branchHead(room);
  if (head === null)
    throw new RepositoryFault('git-failed', `Branch ${room.branch} of ${room.path} is gone.`);
  const counted = await git(
    room.git,
    ['rev-list', '--count', '--left-right', `${head}...${remoteHead}`],
    onHost(room),
  );
  const [ahead = 0, behind = 0] = lineOf(counted.stdout).split('\t').map(Number);
  const found = { remote, remoteHead, ahead, behind };
  if (ahead > 0 && behind > 0) {
    const message = `Branch ${room.branch} of ${room.path} and ${remote} have parted: ${ahead} commits here, ${behind} there.`;
    return {
      ...failure('diverged', message, 'Merge or rebase by hand; nothing is built on it until then.'),
      ...found,
    };
  }
  return { ok: true, state: behind > 0 ? 'behind' : ahead > 0 ? 'ahead' : 'up-to-date', ...found };
}

async function upstreamOf(room: Room): Promise<{ remote: string; branch: string } | null> {
  const read = async (key: string): Promise<string | null> => {
    const result = await askGit(room.git, ['config', '--get', key], onHost(room));
    return result.code === 0 ? lineOf(result.stdout) : null;
  };
  const remote = (await read(`branch.${room.branch}.remote`)) ?? 'origin';
  if (remote === '.' || (await read(`remote.${remote}.url`)) === null) return null;
  return { remote, branch: (await read(`branch.${room.branch}.merge`)) ?? `refs/heads/${room.branch}` };
}

function reason(result: ProcessResult): string {
  if (result.outcome !== 'exited') return gitFault(['fetch'], result).message.replace(/\.$/, '');
  const lines = redact(result.stderr).trim().split('\n');
  return (
    (lines.find((line) => /^(?:fatal|error|ERROR|ssh|remote):/.test(line)) ?? lines[0] ?? '')
      .slice(0, 300)
      .replace(/\.$/, '') || 'git said nothing'
  );
}

/** What became of the rule for after a merge. */
export type AfterMergeResult =
  | { ok: true; done: 'nothing' }
  | { ok: true; done: 'pushed'; remote: string; branch: string }
  | RepositoryFailure<'remote-unreachable' | 'remote-rejected' | 'remote-missing'>;

/**
 * Does what the repository's rule says after a merge: nothing, a push of the branch, or a branch of its own for a pull
 * request. Never forces; a repeat is harmless. The operator's hooks do not run.
 */
export async function afterMerge(
  room: Room,
  rule: AfterMerge,
  input: { commit: string; branch: string; timeoutMs?: number },
): Promise<AfterMergeResult> {
  if (rule.kind === 'nothing') return { ok: true, done: 'nothing' };
  const { remote } = rule;
  const branch = rule.kind === 'push' ? room.branch : input.branch;
  const ref = await requireRefName(room.git, `refs/heads/${branch}`);
  const known = await askGit(room.git, ['config', '--get', `remote.${remote}.url`], onHost(room));
  if (known.code !== 0) {
    return failure(
      'remote-missing',
      `${room.path} has no remote ${JSON.stringify(remote)}.`,
      'Add it, or change the rule.',
    );
  }
  const result = await askGit(
    room.git,
    [
      'push',
      '-q',
      '--no-verify',
      '--porcelain',
      '--no-follow-tags',
      '--no-signed',
      '--end-of-options',
      remote,
      `${requireObjectId(input.commit)}:${ref}`,
    ],
    onHost(room, {
      trust: 'remote',
      ...(input.timeoutMs === undefined ? {} : { timeoutMs: input.timeoutMs }),
    }),
  );
  if (result.outcome === 'exited' && result.code === 0) return { ok: true, done: 'pushed', remote, branch };
  if (/^!\t/m.test(result.stdout.toString('utf8'))) {
    return failure(
      'remote-rejected',
      `Remote ${remote} refused ${branch}: ${rejection(result)}.`,
      'Fetch, and look at what is there.',
    );
  }
  return failure(
    'remote-unreachable',
    `Remote ${remote} could not be pushed to: ${reason(result)}.`,
    'Check the network and your access.',
  );
}

function rejection(result: ProcessResult): string {
  return (
    /\[(?:remote )?rejected\] \(([^)]*)\)/.exec(result.stdout.toString('utf8'))?.[1] ?? 'it gave no reason'
  );
}
