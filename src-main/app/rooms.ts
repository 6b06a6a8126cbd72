import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AgentContract, Checks, RepositoryConfig } from '../contract/config.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { BrandId, CommitId } from '../contract/ids.ts';
import { judge, type CheckOutcome, type CommandOutcome } from '../domain/checks.ts';
import { INSIDE } from '../domain/inside.ts';
import { sandboxProfile, type ProfileFacts, type SandboxProfile } from '../domain/sandbox-profile.ts';
import { openRunGateway, type RunReports } from '../services/gateway/index.ts';
import type { Repository } from '../services/repositories/index.ts';
import { SandboxError, type Sandbox } from '../services/sandbox/index.ts';
import { writeFileAtomic } from './atomic-file.ts';

/** A checkout with its dependencies, ready for a run or a check. */
export interface Room {
  folder: string;
  baseObjects: string;
  prepared: { path: string; source: string }[];
}

/** A folder that setup made: its path in the checkout, and its name in the cache. */
interface SetupFolder {
  path: string;
  folder: string;
}

export interface RoomRequest {
  repository: Repository;
  config: RepositoryConfig;
  folder: string;
  commit: CommitId;
  branch: string;
  /** Dependencies as a copy that can be changed, rather than mounted read-only. */
  ownDependencies: boolean;
}

/** Makes rooms of one brand, and runs declared commands in them. */
export interface Rooms {
  make(request: RoomRequest): Promise<Result<Room>>;
  /**
   * Ends a room. What was not collected is kept: as the ref `saved`, or, where the checkout cannot be read any more, as the
   * folder `aside`.
   */
  remove(repository: Repository, folder: string): Promise<{ saved: string | null; aside: string | null }>;
  /** Runs a declared command inside the walls. `write`: whether it may write in the checkout. */
  command(
    room: Room,
    text: string,
    options: { write: boolean; timeoutMs: number; network?: string[]; onOutput?(chunk: string): void },
  ): Promise<CommandOutcome>;
  check(
    room: Room,
    text: string,
    count: Checks['count'],
    timeoutMs: number,
  ): Promise<CheckOutcome & { durationMs: number }>;
}

export interface RoomParts {
  brand: BrandId;
  sandbox: Sandbox;
  sockets: string;
  tools: string;
  setupCache: string;
  identity: { uid: number; gid: number } | null;
  limits: ProfileFacts['limits'];
  trust: Record<string, string>;
  sealed: boolean;
  ports: readonly number[];
  /** What setup's outcome depends on beside its lockfiles. */
  toolchain: string;
  clock: { now(): number };
}

const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const SETUP_MS = 30 * 60_000;
const PLUMBING_MS = 5 * 60_000;

/** The authority of Atrium's own commands: setup, checks, acceptance. They call nothing. */
function declaredCommand(name: string, write: boolean, reaches: boolean): AgentContract {
  return {
    name,
    description: 'A command that the operator declared.',
    reads: ['checkout'],
    writes: write ? ['checkout'] : [],
    tools: [],
    network: reaches ? 'ticket' : 'none',
    calls: reaches ? ['progress'] : [],
    owns: [],
    mayCall: [],
    modelClass: 'none',
    rules: [],
    instructions: '',
    digest: '',
  };
}

export function createRooms(parts: RoomParts): Rooms {
  const { sandbox, identity } = parts;
  const settingUp = new Map<string, Promise<Result<SetupFolder[]>>>();

  const profileOf = (room: Room, contract: AgentContract, socket: string | null): SandboxProfile =>
    sandboxProfile(contract, {
      name: `${parts.brand} ${contract.name}`,
      checkout: room.folder,
      baseObjects: room.baseObjects,
      prepared: room.prepared,
      tools: parts.tools,
      home: null,
      socket,
      ticket: null,
      base: null,
      limits: parts.limits,
      trust: parts.trust,
      sealed: parts.sealed,
      ports: parts.ports,
      identity,
      program: { mounts: [], environment: {} },
    });

  const inside = async (
    room: Room,
    contract: AgentContract,
    argv: string[],
    options: {
      timeoutMs: number;
      network?: string[];
      extra?: SandboxProfile['mounts'];
      onOutput?(chunk: string): void;
    },
  ): Promise<CommandOutcome> => {
    const gateway =
      options.network === undefined
        ? null
        : await openRunGateway({
            folder: parts.sockets,
            owner: identity,
            run: {
              id: `setup-${randomBytes(4).toString('hex')}`,
              role: contract.name,
              ticket: null,
              brand: parts.brand,
              calls: [],
            },
            reports: noReports,
            network: options.network,
            models: [],
            stopped: () => 'a declared command has no model',
            budget: () => ({ allowed: false, reason: 'a declared command has no model' }),
            onUsage: () => undefined,
            onDecision: ({ allowed, host, reason }) => {
              if (!allowed) options.onOutput?.(`denied ${host}: ${reason}\n`);
            },
            clock: parts.clock,
          });
    try {
      const profile = profileOf(room, contract, gateway?.socketPath ?? null);
      if (options.extra) {
        profile.mounts.push(...options.extra);
        profile.kernel.read.push(SETUP_INSIDE);
      }
      const ended = await sandbox.run(profile, argv, {
        timeoutMs: options.timeoutMs,
        maxOutputBytes: MAX_OUTPUT_BYTES,
        onOutput: (_stream, chunk) => options.onOutput?.(chunk.toString('utf8')),
      });
      return {
        outcome: ended.outcome,
        code: ended.code,
        stdout: ended.stdout.toString('utf8'),
        stderr: ended.stderr.toString('utf8'),
        durationMs: ended.durationMs,
      };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      return {
        outcome: 'killed',
        code: null,
        stdout: '',
        stderr: `${error.message} ${error.hint}`,
        durationMs: 0,
      };
    } finally {
      await gateway?.close();
    }
  };

  /** Runs setup once for these lockfiles and this toolchain; gives the folders that it made. */
  const ensureSetup = (request: RoomRequest, key: string): Promise<Result<SetupFolder[]>> => {
    const cache = join(parts.setupCache, key);
    const note = join(cache, 'ready.json');
    if (existsSync(note)) {
      const now = new Date();
      utimesSync(note, now, now);
      return Promise.resolve(ok(JSON.parse(readFileSync(note, 'utf8')) as SetupFolder[]));
    }
    const running = settingUp.get(key);
    if (running) return running;
    const work = runSetup(request, cache, note).finally(() => settingUp.delete(key));
    settingUp.set(key, work);
    return work;
  };

  const runSetup = async (
    request: RoomRequest,
    cache: string,
    note: string,
  ): Promise<Result<SetupFolder[]>> => {
    const folder = join(dirname(request.folder), `.setup-${randomBytes(6).toString('hex')}`);
    rmSync(cache, { recursive: true, force: true });
    const bare = await bareRoom(request, folder);
    if (!bare.ok) return bare;
    try {
      const { setup } = request.config.checks;
      const ended = await inside(bare.value, declaredCommand('setup', true, true), ['/bin/sh', '-c', setup], {
        timeoutMs: SETUP_MS,
        network: request.config.setupHosts,
      });
      const judged = judge(setup, ended, 'exit');
      if (judged.outcome !== 'pass')
        return fail(
          'repository-unusable',
          `the setup of ${request.config.name} did not hold: ${judged.detail}`,
          'mend the setup command or its lockfile; "atrium brand show" tells what is declared',
        );
      const listed = await inside(
        bare.value,
        declaredCommand('setup', true, false),
        ['git', 'status', '--porcelain', '-z', '--ignored', '--untracked-files=normal'],
        { timeoutMs: PLUMBING_MS },
      );
      const made = listed.stdout
        .split('\0')
        .filter((entry) => /^(\?\?|!!) .+\/$/.test(entry))
        .map((entry) => entry.slice(3, -1));
      mkdirSync(cache, { recursive: true, mode: 0o755 });
      const kept = made
        .map((path, index): SetupFolder => ({ path, folder: String(index) }))
        .filter((entry) => keep(folder, entry.path, join(cache, entry.folder), identity));
      writeFileAtomic(note, JSON.stringify(kept));
      return ok(kept);
    } finally {
      await request.repository.removeCheckout(folder, { discard: true });
    }
  };

  const bareRoom = async (request: RoomRequest, folder: string): Promise<Result<Room>> => {
    const made = await request.repository.createCheckout({
      folder,
      commit: request.commit,
      branch: request.branch,
      identity: AUTHOR,
    });
    if (!made.ok) return fail('repository-unusable', made.message, made.hint);
    return ok({ folder, baseObjects: made.baseObjects, prepared: [] });
  };

  const make: Rooms['make'] = async (request) => {
    const { config } = request;
    const bare = await bareRoom(request, request.folder);
    if (!bare.ok || config.checks.setup === 'none') return bare;
    const lockfiles = await request.repository.lockfileHash(request.commit, config.lockfiles);
    // What tickets share is made from the branch alone: what a candidate's own scripts make stays with that candidate.
    const head = await request.repository.head();
    const shared = lockfiles === (await request.repository.lockfileHash(head, config.lockfiles));
    const commit = shared ? head : request.commit;
    const key = createHash('sha256')
      .update([config.name, config.checks.setup, lockfiles, parts.toolchain, shared ? '' : commit].join('\0'))
      .digest('hex')
      .slice(0, 32);
    const ready = await ensureSetup({ ...request, commit }, key);
    if (!ready.ok) {
      await request.repository.removeCheckout(request.folder, { discard: true });
      return ready;
    }
    const folders = ready.value;
    if (folders.length === 0) return bare;
    const hidden = (await request.repository.listFiles(request.commit)).find((file) =>
      folders.some(({ path }) => file.path === path || file.path.startsWith(`${path}/`)),
    );
    if (hidden) {
      await request.repository.removeCheckout(request.folder, { discard: true });
      return fail(
        'repository-unusable',
        `${hidden.path} is committed in a folder that the setup of ${config.name} makes, so what is there could not be checked`,
        'take it out of the commit',
      );
    }
    const sources = folders.map((entry) => ({
      path: entry.path,
      source: join(parts.setupCache, key, entry.folder),
    }));
    const placed = request.ownDependencies
      ? await inside(
          bare.value,
          declaredCommand('setup', true, false),
          ['/bin/sh', '-c', COPY_IN, 'sh', ...folders.map((entry) => entry.path)],
          {
            timeoutMs: PLUMBING_MS,
            extra: sources.map(({ source }, index) => ({
              kind: 'bind',
              source,
              target: `${SETUP_INSIDE}/${index + 1}`,
              access: 'read',
            })),
          },
        )
      : await inside(
          bare.value,
          declaredCommand('setup', true, false),
          ['mkdir', '-p', '--', ...folders.map((entry) => entry.path)],
          {
            timeoutMs: PLUMBING_MS,
          },
        );
    if (placed.code !== 0) {
      await request.repository.removeCheckout(request.folder, { discard: true });
      return fail(
        'repository-unusable',
        `the dependencies of ${config.name} could not be placed: ${placed.stderr.trim()}`,
        'free the disk, or run the ticket again',
      );
    }
    return ok({ ...bare.value, prepared: request.ownDependencies ? [] : sources });
  };

  return {
    make,
    remove: async (repository, folder) => {
      // Also where the folder is gone: a core that died in between may have left its record.
      const removed = await repository.removeCheckout(folder);
      if (removed.ok) return { saved: removed.saved?.ref ?? null, aside: null };
      if (!existsSync(folder)) return { saved: null, aside: null };
      const aside = join(dirname(folder), `.kept-${basename(folder)}-${randomBytes(4).toString('hex')}`);
      renameSync(folder, aside);
      await repository.removeCheckout(folder, { discard: true });
      return { saved: null, aside };
    },
    command: (room, text, options) =>
      inside(
        room,
        declaredCommand('command', options.write, options.network !== undefined),
        ['/bin/sh', '-c', text],
        options,
      ),
    check: async (room, text, count, timeoutMs) => {
      const ended = await inside(room, declaredCommand('check', true, false), ['/bin/sh', '-c', text], {
        timeoutMs,
      });
      return { ...judge(text, ended, count), durationMs: ended.durationMs };
    },
  };
}

/** Who commits in a checkout, unless the agent says otherwise. */
export const AUTHOR = { name: 'Atrium', email: 'atrium@localhost' };

/** Where what setup made is, for as long as it is copied. */
const SETUP_INSIDE = '/opt/atrium/setup';

const COPY_IN = `set -eu
n=0
for path in "$@"; do
  n=$((n + 1))
  mkdir -p -- "${INSIDE.checkout}/$path"
  cp -a -- "${SETUP_INSIDE}/$n/." "${INSIDE.checkout}/$path/"
done
`;

/**
 * Moves a folder that setup made into the cache. Its path is the checkout's own word: one that leads out or through a link,
 * or a link itself, is left.
 */
function keep(
  checkout: string,
  path: string,
  target: string,
  identity: { uid: number; gid: number } | null,
): boolean {
  let at = checkout;
  for (const segment of path.split('/')) {
    if (['', '.', '..', '.git'].includes(segment)) return false;
    at = join(at, segment);
    if (!lstatSync(at, { throwIfNoEntry: false })?.isDirectory()) return false;
  }
  renameSync(at, target);
  const scratch = join(target, '.cache');
  const found = lstatSync(scratch, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) rmSync(scratch, { force: true });
  if (!found?.isDirectory()) {
    mkdirSync(scratch);
    if (identity) chownSync(scratch, identity.uid, identity.gid);
  }
  return true;
}

const refuse = () => Promise.resolve(fail('not-authorized', 'a declared command reports nothing'));
const noReports: RunReports = {
  result: refuse,
  verdict: refuse,
  progress: refuse,
  comment: refuse,
  brief: () => '',
};
